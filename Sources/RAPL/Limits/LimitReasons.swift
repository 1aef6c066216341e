/// Why a frequency is lower than the one that was asked for, by the name that the protocol has for it.
public enum LimitReason: String, Sendable, CaseIterable {
  /// Something outside of the package demands it, by the PROCHOT signal.
  case prochot
  /// The package is too hot.
  case thermal
  /// The mean temperature of the last time is too high.
  case averageTemperature = "average_temperature"
  /// A voltage regulator is too hot.
  case voltageRegulatorTemperature = "voltage_regulator_temperature"
  /// A voltage regulator's design current is exceeded.
  case voltageRegulatorCurrent = "voltage_regulator_current"
  /// The package would need more current than it may have (EDP), or another electrical reason.
  case electrical
  /// PL1, of the package or the platform.
  case pl1
  /// PL2 or PL3, of the package or the platform.
  case pl2
  /// The limit on the power of this part alone.
  case partPower = "part_power"
  /// The power budget that the package shares out (PBM).
  case powerBudget = "power_budget"
  /// The platform's controller asks for it (PCS, through PECI).
  case platformController = "platform_controller"
  /// The greatest turbo frequency for so many cores in use.
  case maximumTurbo = "maximum_turbo"
  /// The frequency is not changed too often.
  case turboTransitions = "turbo_transitions"
  /// So that the parts stay in a state that saves energy.
  case residencyRegulation = "residency_regulation"
  /// The graphics driver asks for it.
  case graphicsDriver = "graphics_driver"
  /// There is little to do.
  case lowUtilization = "low_utilization"
  /// A higher frequency would be inefficient.
  case inefficient
  /// The frequency is below the base frequency (P1).
  case belowBase = "below_base"
  /// The frequency is below the greatest turbo frequency for so many cores.
  case belowTurbo = "below_turbo"
  /// The frequency is below the one that was asked for.
  case belowRequest = "below_request"
}

/// Why a part's frequency is, and was, reduced.
public struct LimitReasons: Sendable, Equatable {
  /// The reasons of this moment, in the order of the register's bits.
  public var active: [LimitReason]
  /// The reasons since the log bits were last cleared, which is usually when the machine was started. They are never cleared here.
  public var logged: [LimitReason]

  /// Reasons from their parts.
  public init(active: [LimitReason], logged: [LimitReason]) {
    self.active = active
    self.logged = logged
  }

  /// Decodes a register: status bits 15:0, and the log bit of each 16 above it. Bits without a meaning are ignored.
  init(_ register: UInt64, _ layout: Layout) {
    let bits = layout.bits
    func reasons(_ shift: Int) -> [LimitReason] {
      bits.compactMap { register >> (shift + $0.bit) & 1 == 1 ? $0.reason : nil }
    }
    self.init(active: reasons(0), logged: layout.hasLog ? reasons(16) : [])
  }

  /// The meaning of the bits, which differs from model to model.
  ///
  /// Source: Intel SDM volume 4, MSR_CORE_PERF_LIMIT_REASONS, MSR_GRAPHICS_PERF_LIMIT_REASONS and MSR_RING_PERF_LIMIT_REASONS of each
  /// generation.
  enum Layout: Sendable, Equatable {
    case haswellCore, haswellGraphics, haswellRing
    /// Haswell-EP, Broadwell-EP and Broadwell-DE.
    case haswellServer
    case xeonPhi
    case skylakeCore, skylakeGraphics, skylakeRing
    case goldmont

    fileprivate var hasLog: Bool { self != .xeonPhi }

    /// The status bits that have a meaning.
    fileprivate var bits: [(bit: Int, reason: LimitReason)] {
      switch self {
      case .haswellCore:
        [
          (0, .prochot), (1, .thermal), (4, .graphicsDriver), (5, .lowUtilization), (6, .voltageRegulatorTemperature),
          (8, .electrical), (9, .partPower), (10, .pl1), (11, .pl2), (12, .maximumTurbo), (13, .turboTransitions),
        ]
      case .haswellGraphics:
        [
          (0, .prochot), (1, .thermal), (4, .graphicsDriver), (5, .lowUtilization), (6, .voltageRegulatorTemperature),
          (8, .electrical), (9, .partPower), (10, .pl1), (11, .pl2),
        ]
      case .haswellRing:
        [
          (0, .prochot), (1, .thermal), (6, .voltageRegulatorTemperature), (8, .electrical), (10, .pl1), (11, .pl2),
        ]
      case .haswellServer:
        [
          (0, .prochot), (1, .thermal), (2, .powerBudget), (3, .platformController), (5, .lowUtilization),
          (6, .voltageRegulatorTemperature), (8, .electrical), (10, .maximumTurbo), (13, .belowBase), (14, .belowTurbo),
          (15, .belowRequest),
        ]
      case .xeonPhi:
        [(0, .prochot), (1, .thermal), (6, .voltageRegulatorTemperature), (8, .electrical)]
      case .skylakeCore:
        [
          (0, .prochot), (1, .thermal), (4, .residencyRegulation), (5, .averageTemperature),
          (6, .voltageRegulatorTemperature), (7, .voltageRegulatorCurrent), (8, .electrical), (10, .pl1), (11, .pl2),
          (12, .maximumTurbo), (13, .turboTransitions),
        ]
      case .skylakeGraphics:
        [
          (0, .prochot), (1, .thermal), (5, .averageTemperature), (6, .voltageRegulatorTemperature),
          (7, .voltageRegulatorCurrent), (8, .electrical), (10, .pl1), (11, .pl2), (12, .inefficient),
        ]
      case .skylakeRing:
        [
          (0, .prochot), (1, .thermal), (5, .averageTemperature), (6, .voltageRegulatorTemperature),
          (7, .voltageRegulatorCurrent), (8, .electrical), (10, .pl1), (11, .pl2),
        ]
      case .goldmont:
        [
          (0, .prochot), (1, .thermal), (2, .pl1), (3, .pl2), (9, .partPower), (10, .voltageRegulatorTemperature),
          (11, .maximumTurbo), (12, .electrical), (13, .turboTransitions), (14, .inefficient),
        ]
      }
    }
  }
}
