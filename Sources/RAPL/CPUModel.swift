/// What is known of a CPU model beyond its registers: its domains, and units that its unit register does not tell.
///
/// Sources: the Linux kernel's perf driver (arch/x86/events/rapl.c) first, then its powercap driver
/// (drivers/powercap/intel_rapl_common.c), then turbostat; each row about which they disagree says so.
public struct CPUModel: Sendable, Equatable {
  /// The kind of a model's energy unit.
  public enum UnitRule: Sendable, Equatable {
    /// 2^-ESU joules, from the unit register.
    case register
    /// 2^ESU microjoules, from the unit register (Bay Trail and related models).
    case registerMicrojoules
    /// 2^-16 J, documented as 15.3 uJ.
    case fixed15Microjoules
    /// 1 J.
    case fixedJoule
  }

  /// The state of knowledge about a model's energy registers.
  public enum Standing: Sendable, Equatable {
    /// The model is in the table.
    case listed
    /// The model is not in the table: its unit register alone describes it.
    case unlisted
    /// The model is in the table as one without energy registers: only powercap can measure it.
    case withoutRegisters
    /// The model is from before RAPL: no such CPU has the registers. A hypervisor may show such a model and emulate them.
    case olderThanRAPL
  }

  /// Domains beside the package, or nil if only the registers can tell.
  public var domains: Set<PowerDomain>?
  /// The unit of the package, core and uncore counters.
  public var unit: UnitRule = .register
  /// The unit of the DRAM counter.
  public var dramUnit: UnitRule = .register
  /// The unit of the psys counter.
  public var psysUnit: UnitRule = .register
  /// The state of knowledge about its registers.
  public var standing = Standing.listed
  /// Whether the kernel's zones and events of it are those of the TPMI driver: its driver for registers does not have these models.
  /// Sources: Linux drivers/powercap/intel_rapl_msr.c and intel_rapl_tpmi.c.
  public private(set) var isByTPMI = false
  /// Whether to try the registers: not on a model that is listed without them.
  public var hasRegisters: Bool { standing != .withoutRegisters }
  /// Whether the model is in the table; any other is measured by its unit register alone.
  public var isKnown: Bool { standing == .listed || standing == .withoutRegisters }
}

extension CPUModel {
  /// The model of a CPU with this identity.
  public init(_ identity: CPUIdentity) {
    switch (identity.vendor, identity.family) {
    case (.intel, 6): self = Self.intelFamily6(identity.model)
    // Nova Lake
    case (.intel, 18) where [1, 3].contains(identity.model): self = .client
    // Diamond Rapids: turbostat, "DMR does not have RAPL MSRs"; its energy is in powercap only.
    case (.intel, 19) where identity.model == 1:
      self = Self(domains: [], standing: .withoutRegisters, isByTPMI: true)
    // Before the P6, and the NetBurst CPUs
    case (.intel, ..<6), (.intel, 15): self = .older
    // Zen is family 17h; the drivers match 17h, 19h, 1Ah and Hygon's 18h.
    case (.amd, ..<0x17) where !identity.announcesRAPL: self = .older
    case (.amd, _), (.hygon, _): self = Self(domains: [.core])
    case (.intel, _), (.other, _): self = .unknown
    }
  }

  /// Skylake and all newer client models; psys may read 0, which means absent.
  private static let client = Self(domains: [.core, .uncore, .dram, .psys])
  private static let older = Self(domains: [], standing: .olderThanRAPL)
  private static let unknown = Self(domains: nil, standing: .unlisted)

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
    // Skylake to Rocket Lake
    case 0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6, 0x66, 0x7D, 0x7E, 0x8C, 0x8D, 0xA7, 0x9D, 0x8A,
      // Alder and Raptor Lake, Meteor, Arrow, Lunar, Panther Lake: hybrid cores, still one counter for the package
      0x97, 0x9A, 0xBE, 0xB7, 0xBA, 0xBF, 0xAA, 0xAC, 0xC5, 0xC6, 0xB5, 0xBD, 0xCC,
      // Panther Lake R (so far in intel-family.h only), Wildcat Lake, Bartlett Lake (no hybrid)
      0xE5, 0xD5, 0xD7:
      .client
    // Sapphire, Emerald, Granite Rapids: DRAM from the register (about 61 uJ)
    case 0x8F, 0xCF: Self(domains: [.dram, .psys], psysUnit: .fixedJoule)
    case 0xAD, 0xAE: Self(domains: [.dram, .psys], psysUnit: .fixedJoule, isByTPMI: true)
    // Sierra Forest, Clearwater Forest, Grand Ridge (psys: turbostat from the register, pcm 1 J)
    case 0xAF, 0xDD: Self(domains: [.dram, .psys], isByTPMI: true)
    case 0xB6: Self(domains: [.dram, .psys])
    // Bay Trail; Airmont, Merrifield, Moorefield (powercap; likwid and turbostat differ)
    case 0x37, 0x4C, 0x4A, 0x5A: Self(domains: [.core], unit: .registerMicrojoules)
    // Avoton
    case 0x4D: Self(domains: [.core])
    // Goldmont and newer Atoms: known to have RAPL, only the registers tell their domains
    case 0x5C, 0x7A, 0x5F, 0x86, 0x96, 0x9C: Self(domains: nil)
    // Up to Westmere, and the Atoms up to Saltwell; RAPL came with Sandy Bridge, 2Ah.
    case ..<0x2A, 0x2C, 0x2E, 0x2F, 0x35, 0x36: .older
    default: .unknown
    }
  }
}
