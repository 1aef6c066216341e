/// What one step of an energy counter is worth.
public struct EnergyUnit: Sendable, Equatable {
  /// Where a unit comes from.
  public enum Source: Sendable, Equatable {
    /// The CPU's unit register.
    case register
    /// The table of models, because this model's register does not tell it.
    case model
    /// The kernel's powercap, which counts in microjoules.
    case powercap
    /// Nobody counts: it is added up from watts.
    case sum
  }

  /// Joules for each count.
  public let joulesPerCount: Double
  /// Where that number comes from.
  public let source: Source

  /// A unit of so many joules.
  public init(joulesPerCount: Double, source: Source = .register) {
    self.joulesPerCount = joulesPerCount
    self.source = source
  }

  /// The energy of that many counts, in joules.
  public func joules(_ counts: UInt64) -> Double {
    Double(counts) * joulesPerCount
  }
}

/// The three units that a RAPL unit register holds.
///
/// Source: Intel SDM volume 3B, "RAPL Interfaces", MSR_RAPL_POWER_UNIT; AMD's register has the same layout.
public struct UnitRegister: Sendable, Equatable {
  /// Energy Status Unit, bits 12:8.
  public let energyExponent: Int
  /// Power Unit, bits 3:0: 2^-PU watts.
  public let powerExponent: Int

  /// Decodes a register value.
  ///
  /// - Returns: nil for 0: no CPU has it, virtual machines do.
  public init?(_ value: UInt64) {
    guard value != 0 else { return nil }
    energyExponent = Int(value >> 8 & 0x1F)
    powerExponent = Int(value & 0xF)
  }

  /// The energy unit of a domain on a model, every override included.
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
