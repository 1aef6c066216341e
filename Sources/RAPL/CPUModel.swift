/// What is known of a CPU model beyond its registers: the domains it has, and units that its unit register does not tell.
///
/// Sources: the Linux kernel's perf driver (arch/x86/events/rapl.c) first, then its powercap driver
/// (drivers/powercap/intel_rapl_common.c), then turbostat; each row that they disagree about says so.
public struct CPUModel: Sendable, Equatable {
  /// A unit that a model fixes, whatever its unit register says.
  public enum UnitRule: Sendable, Equatable {
    /// 2^-ESU joules, from the unit register.
    case register
    /// 2^ESU microjoules, from the unit register (Bay Trail and its kin).
    case registerMicrojoules
    /// 2^-16 J, documented as 15.3 uJ.
    case fixed15Microjoules
    /// 1 J.
    case fixedJoule
  }

  /// Domains beyond the package, or nil where only the registers can tell.
  public var domains: Set<PowerDomain>?
  /// The unit of the package, core and uncore counters.
  public var unit: UnitRule = .register
  /// The unit of the DRAM counter.
  public var dramUnit: UnitRule = .register
  /// The unit of the psys counter.
  public var psysUnit: UnitRule = .register
  /// Whether the model has RAPL registers at all.
  public var hasRegisters = true
  /// Whether the model is in the table; one that is not is measured by its unit register alone.
  public var isKnown = true

  /// What is known of the CPU with this identity.
  public init(_ identity: CPUIdentity) {
    switch identity.vendor {
    case .intel where identity.family == 6: self = Self.intelFamily6(identity.model)
    // Diamond Rapids: turbostat, "no RAPL MSRs"; its energy is in powercap only (intel-family.h: IFM(19, 0x01)).
    case .intel where identity.family == 19 && identity.model == 1: self = Self(domains: [], hasRegisters: false)
    case .amd, .hygon: self = Self(domains: [.core])
    case .intel, .other: self = .unknown
    }
  }

  private init(
    domains: Set<PowerDomain>?, unit: UnitRule = .register, dramUnit: UnitRule = .register,
    psysUnit: UnitRule = .register, hasRegisters: Bool = true, isKnown: Bool = true
  ) {
    self.domains = domains
    self.unit = unit
    self.dramUnit = dramUnit
    self.psysUnit = psysUnit
    self.hasRegisters = hasRegisters
    self.isKnown = isKnown
  }

  private static let unknown = Self(domains: nil, isKnown: false)

  private static func intelFamily6(_ model: Int) -> Self {
    switch model {
    // Sandy Bridge, Ivy Bridge
    case 0x2A, 0x3A: Self(domains: [.core, .uncore])
    // Sandy Bridge-EP, Ivy Bridge-EP
    case 0x2D, 0x3E: Self(domains: [.core, .dram])
    // Haswell, Broadwell (turbostat: no DRAM)
    case 0x3C, 0x45, 0x46, 0x3D, 0x47: Self(domains: [.core, .uncore, .dram])
    // Haswell-X, Broadwell-X, Broadwell-DE (powercap: DRAM unit from the register), Skylake-X, Knights Landing and Mill
    case 0x3F, 0x4F, 0x56, 0x55, 0x57, 0x85: Self(domains: [.dram], dramUnit: .fixed15Microjoules)
    // Ice Lake-X, Ice Lake-D
    case 0x6A, 0x6C: Self(domains: [.dram, .psys], dramUnit: .fixed15Microjoules)
    // Skylake to Rocket Lake; psys may read 0, which means absent
    case 0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6, 0x66, 0x7D, 0x7E, 0x8C, 0x8D, 0xA7, 0x9D, 0x8A,
      // Alder and Raptor Lake, Meteor, Arrow, Lunar, Panther Lake: hybrid cores, still one counter for the package
      0x97, 0x9A, 0xBE, 0xB7, 0xBA, 0xBF, 0xAA, 0xAC, 0xC5, 0xC6, 0xB5, 0xBD, 0xCC:
      Self(domains: [.core, .uncore, .dram, .psys])
    // Sapphire, Emerald, Granite Rapids: DRAM from the register (about 61 uJ)
    case 0x8F, 0xCF, 0xAD, 0xAE: Self(domains: [.dram, .psys], psysUnit: .fixedJoule)
    // Sierra Forest, Clearwater Forest, Grand Ridge (psys: turbostat from the register, pcm 1 J)
    case 0xAF, 0xDD, 0xB6: Self(domains: [.dram, .psys])
    // Bay Trail; Airmont, Merrifield, Moorefield (powercap; likwid and turbostat differ)
    case 0x37, 0x4C, 0x4A, 0x5A: Self(domains: [.core], unit: .registerMicrojoules)
    // Avoton
    case 0x4D: Self(domains: [.core])
    // Goldmont and later Atoms: known to have RAPL, their domains are told by the registers only
    case 0x5C, 0x7A, 0x5F, 0x86, 0x96, 0x9C: Self(domains: nil)
    default: .unknown
    }
  }
}
