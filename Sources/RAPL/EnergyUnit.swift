/// The energy of one count of a counter.
public struct EnergyUnit: Sendable, Equatable {
  /// The origin of a unit, by the name that the protocol has for it.
  public enum Source: String, Sendable {
    /// The CPU's unit register.
    case register
    /// The table of models, because this model's register does not tell.
    case model
    /// The kernel's powercap, which counts in microjoules.
    case powercap
    /// The kernel's energy events, each of which tells its scale.
    case perf
    /// There are no counts: energy is added up from watts.
    case sum
  }

  /// Joules for each count.
  public let joulesPerCount: Double
  /// The origin of that number.
  public let source: Source

  /// A unit of this many joules.
  public init(joulesPerCount: Double, source: Source = .register) {
    self.joulesPerCount = joulesPerCount
    self.source = source
  }

  /// The energy of this many counts, in joules.
  public func joules(_ counts: UInt64) -> Double {
    Double(counts) * joulesPerCount
  }
}

/// The three units in a RAPL unit register.
///
/// Source: Intel SDM volume 3B, "RAPL Interfaces", MSR_RAPL_POWER_UNIT; AMD's register has the same layout.
public struct UnitRegister: Sendable, Equatable {
  /// Energy Status Unit, bits 12:8.
  public let energyExponent: Int
  /// Power Unit, bits 3:0: 2^-PU watts.
  public let powerExponent: Int
  /// Time Unit, bits 19:16: 2^-TU seconds.
  public let timeExponent: Int

  /// Decodes a register value.
  ///
  /// - Returns: nil for 0: no CPU has it, but virtual machines do.
  public init?(_ value: UInt64) {
    guard value != 0 else { return nil }
    energyExponent = Int(value >> 8 & 0x1F)
    powerExponent = Int(value & 0xF)
    timeExponent = Int(value >> 16 & 0xF)
  }

  /// The energy unit of a domain on a model, including all corrections.
  public func energyUnit(of domain: PowerDomain, on model: CPUModel) -> EnergyUnit {
    let rule =
      switch domain {
      case .package, .core, .uncore: model.unit
      case .dram: model.dramUnit
      case .psys: model.psysUnit
      }
    return switch rule {
    case .register: EnergyUnit(joulesPerCount: 1 / Double(1 << energyExponent))
    case .registerMicrojoules: EnergyUnit(joulesPerCount: Double(1 << energyExponent) / 1_000_000, source: .model)
    case .fixed15Microjoules: EnergyUnit(joulesPerCount: 1 / 65_536, source: .model)
    case .fixedJoule: EnergyUnit(joulesPerCount: 1, source: .model)
    }
  }
}
