package import RAPL
internal import SystemCalls

/// Reads the constraints of a package's powercap zones: files that everyone may read.
///
/// Source: Linux drivers/powercap/intel_rapl_common.c. A constraint tells its limit, time window, and the greatest power that makes
/// sense for it: the TDP for PL1. A zone's `enabled` is that of PL1, and is also 0 if the limit is locked.
struct ZoneLimits: PackageLimitsReader {
  /// The most constraints that a zone has.
  private static let mostConstraints = 3

  private struct Constraint {
    let name: PowerLimit.Name
    let limit: PowercapCounter
    let window: PowercapCounter?
    let greatest: PowercapCounter?
    let enabled: PowercapCounter?
  }

  private let package: PackageID
  private let bound: PowerBound
  private let constraints: [Constraint]
  private let platformConstraints: [Constraint]

  /// Opens the files of a package's zone, and of its platform's.
  ///
  /// - Returns: nil if there are no constraints.
  init?(of package: PackageID, _ zones: [PowercapTree.Entry], bound: PowerBound, _ tree: MachineTree) {
    func opened(_ domain: PowerDomain) -> [Constraint] {
      guard let zone = zones.first(where: { $0.zone == DomainID(package, domain) }) else { return [] }
      return Self.open(zone.folder, tree)
    }
    self.package = package
    self.bound = bound
    constraints = opened(.package)
    platformConstraints = opened(.psys)
    if constraints.isEmpty && platformConstraints.isEmpty { return nil }
  }

  private static func open(_ folder: String, _ tree: MachineTree) -> [Constraint] {
    func file(_ name: String) -> PowercapCounter? { try? PowercapCounter(path: "\(folder)/\(name)", root: tree.root) }
    let enabled = file("enabled")
    return (0..<mostConstraints).compactMap { number in
      let constraint = "constraint_\(number)_"
      guard
        let name = (try? tree.files.text("\(folder)/\(constraint)name")).flatMap({
          PowerLimit.Name(constraint: $0.filter { $0 != "\n" })
        }),
        let limit = file(constraint + "power_limit_uw")
      else { return nil }
      return Constraint(
        name: name, limit: limit, window: name == .pl4 ? nil : file(constraint + "time_window_us"),
        greatest: file(constraint + "max_power_uw"), enabled: name == .pl1 ? enabled : nil)
    }
  }

  func read() -> LimitsReading {
    var limits = PackageLimits()
    limits.limits = Self.limits(constraints, bound)
    limits.platformLimits = Self.limits(platformConstraints, bound.of(.psys))
    func greatest(_ name: PowerLimit.Name) -> CheckedNumber? {
      constraints.first { $0.name == name }?.greatest.flatMap(Self.number).flatMap { microwatts in
        microwatts > 0 ? CheckedNumber(watts: microwatts / 1e6, bound: bound) : nil
      }
    }
    limits.tdpWatts = greatest(.pl1)
    limits.mostWatts = greatest(.pl2)
    return LimitsReading(package: package, limits: limits, throttling: PackageThrottling())
  }

  private static func limits(_ constraints: [Constraint], _ bound: PowerBound) -> [PowerLimit] {
    constraints.compactMap { constraint in
      guard let microwatts = number(constraint.limit) else { return nil }
      let seconds = constraint.window.flatMap(number).map { $0 / 1e6 }
      // Without a limit and a time, it is not set.
      if microwatts == 0 && (seconds ?? 0) == 0 { return nil }
      let isEnabled = constraint.enabled.flatMap(number) == 1
      return PowerLimit(
        name: constraint.name, watts: CheckedNumber(watts: microwatts / 1e6, bound: bound),
        windowSeconds: seconds.map { CheckedNumber(windowSeconds: $0) }, isEnabled: isEnabled ? true : nil,
        isClamped: nil, isLocked: isEnabled ? false : nil)
    }
  }

  private static func number(_ file: PowercapCounter) -> Double? { (try? file.read()).map { Double($0) } }
}

extension PowerLimit.Name {
  /// The limit of a powercap constraint with this name; nil for any other name.
  ///
  /// Source: Linux drivers/powercap/intel_rapl_common.c, `pl_names`.
  package init?(constraint name: String) {
    switch name {
    case "long_term": self = .pl1
    case "short_term": self = .pl2
    case "peak_power": self = .pl4
    default: return nil
    }
  }
}
