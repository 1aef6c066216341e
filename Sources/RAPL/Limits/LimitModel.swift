/// Which registers with limits a CPU model has, and how they are laid out. Only these are read: at the address of another model's
/// limit a CPU may have something else.
///
/// Sources: Intel SDM volume 4, the tables of each model's registers; Linux drivers/powercap/intel_rapl_msr.c; turbostat. Where they
/// differ, the row says so.
public struct LimitModel: Sendable, Equatable {
  /// How units of power and time follow from the unit register.
  enum UnitRule: Sendable, Equatable {
    /// 2^-PU watts and 2^-TU seconds.
    case register
    /// Silvermont and Airmont: 2^PU milliwatts and 2^-TU seconds (SDM and Linux; turbostat takes 2^-PU watts).
    case registerMilliwatts
  }

  /// The registers that count throttled time, each with its domain.
  static let throttling: [(register: LimitRegister, domain: PowerDomain)] = [
    (.packageThrottling, .package), (.coreThrottling, .core), (.dramThrottling, .dram),
  ]

  /// The registers to read.
  public private(set) var registers: Set<LimitRegister>
  private(set) var unit = UnitRule.register
  private(set) var platformLayout = PowerLimit.Layout.usual
  /// The registers with reasons.
  private(set) var reasons: [LimitRegister: LimitReasons.Layout] = [:]
  /// Registers that the model may not have: 0 in them says nothing.
  private(set) var uncertain: Set<LimitRegister> = []
  /// The bits of the offset in MSR_TEMPERATURE_TARGET, from bit 24 on; 0 if there is none.
  private(set) var offsetMask: UInt64 = 0x7F

  /// The model of a CPU with this identity.
  public init(_ identity: CPUIdentity) {
    let model = CPUModel(identity)
    switch (identity.vendor, identity.family) {
    case (.intel, 6) where model.standing == .listed: self = Self.family6(identity.model)
    // Nova Lake
    case (.intel, 18) where model.standing == .listed: self = .client
    case (.intel, _) where model.standing == .unlisted: self = .unknown
    // AMD's limits are in no documented register.
    default: registers = []
    }
    if identity.family == 6 { offsetMask = Self.offsetMask(identity.model) }
    if offsetMask == 0 { registers.remove(.platformInfo) }
  }

  private init(
    _ registers: Set<LimitRegister> = [], reasons: [LimitRegister: LimitReasons.Layout] = [:],
    uncertain: Set<LimitRegister> = []
  ) {
    self.registers = registers.union(Self.everywhere).union(reasons.keys).union(uncertain)
    self.reasons = reasons
    self.uncertain = uncertain
  }

  private func with(_ change: (inout Self) -> Void) -> Self {
    var copy = self
    change(&copy)
    return copy
  }

  private static let everywhere: Set<LimitRegister> = [
    .packageLimits, .packageInfo, .temperatureTarget, .platformInfo, .packageTemperature,
  ]
  private static let haswellReasons: [LimitRegister: LimitReasons.Layout] = [
    .olderCoreReasons: .haswellCore, .graphicsReasons: .haswellGraphics, .ringReasons: .haswellRing,
  ]
  /// From Skylake on. PL4 is there too (Linux names only some of them, turbostat all models); up to Broadwell the same register holds
  /// a current.
  private static let client = Self(
    [.peakLimit, .platformLimits, .packageThrottling, .dramThrottling],
    reasons: [.coreReasons: .skylakeCore, .graphicsReasons: .skylakeGraphics, .ringReasons: .skylakeRing])
  private static let server: Set<LimitRegister> = [.packageThrottling, .dramThrottling]
  private static let unknown = Self(uncertain: [.packageThrottling, .dramThrottling])

  private static func family6(_ model: Int) -> Self {
    switch model {
    // Sandy Bridge, Ivy Bridge
    case 0x2A, 0x3A: Self()
    // Sandy Bridge-EP, Ivy Bridge-EP. The SDM: the cores' register "may be model-specific".
    case 0x2D, 0x3E: Self(server, uncertain: [.coreThrottling])
    // Haswell, Broadwell
    case 0x3C, 0x45, 0x46, 0x3D, 0x47: Self(reasons: haswellReasons)
    // Haswell-EP, Broadwell-EP, Broadwell-DE
    case 0x3F, 0x4F, 0x56: Self(server, reasons: [.olderCoreReasons: .haswellServer])
    // Knights Landing, Knights Mill
    case 0x57, 0x85: Self(server, reasons: [.olderCoreReasons: .xeonPhi])
    // Skylake-SP and Cascade Lake
    case 0x55: Self(server, reasons: [.coreReasons: .skylakeCore])
    // Ice Lake-SP and -D
    case 0x6A, 0x6C: Self(server.union([.platformLimits]), reasons: [.coreReasons: .skylakeCore])
    // Sapphire, Emerald Rapids
    case 0x8F, 0xCF:
      Self(server.union([.platformLimits]), reasons: [.coreReasons: .skylakeCore]).with { $0.platformLayout = .wide }
    // Granite Rapids, Sierra and Clearwater Forest, Grand Ridge: their reasons and psys limits are elsewhere (TPMI)
    case 0xAD, 0xAE, 0xAF, 0xDD, 0xB6: Self(server)
    // Silvermont, Merrifield, Moorefield, Airmont: the TDP is elsewhere
    case 0x37, 0x4A, 0x5A, 0x4C:
      Self().with {
        $0.unit = .registerMilliwatts
        $0.registers.remove(.packageInfo)
      }
    // Avoton
    case 0x4D: Self().with { $0.registers.remove(.packageInfo) }
    // Goldmont and Goldmont Plus
    case 0x5C, 0x7A: Self(reasons: [.coreReasons: .goldmont])
    // Denverton, and Tremont, whose memory is no domain everywhere
    case 0x5F, 0x86, 0x96, 0x9C:
      Self([.packageThrottling], reasons: [.coreReasons: .goldmont], uncertain: [.dramThrottling])
    default: client
    }
  }

  /// Source: Linux drivers/thermal/intel/intel_tcc.c.
  private static func offsetMask(_ model: Int) -> UInt64 {
    switch model {
    // Sandy Bridge, Sandy Bridge-EP, Ivy Bridge, Haswell
    case 0x2A, 0x2D, 0x3A, 0x3C, 0x45, 0x46: 0
    // Ivy Bridge-EP, Haswell-EP, Broadwell-EP, Broadwell-DE, Skylake-SP
    case 0x3E, 0x3F, 0x4F, 0x56, 0x55: 0xF
    // Broadwell; Skylake to Rocket Lake
    case 0x3D, 0x47, 0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6, 0x66, 0x7D, 0x7E, 0x9D, 0xA7: 0x3F
    // Tiger, Alder and Raptor Lake, Lakefield; Ice Lake-SP and -D, Sapphire and Emerald Rapids
    case 0x8C, 0x8D, 0x97, 0x9A, 0xB7, 0xBA, 0xBF, 0x8A, 0x6A, 0x6C, 0x8F, 0xCF: 0x3F
    // Silvermont, Airmont, Tremont, Gracemont; Knights Landing and Mill
    case 0x37, 0x4A, 0x4D, 0x5A, 0x4C, 0x75, 0x86, 0x96, 0x9C, 0xBE, 0x57, 0x85: 0x3F
    // Goldmont and all later ones
    default: 0x7F
    }
  }
}
