public import RAPL

/// turbostat's measurement of one of its intervals: one of its tables, as rows of packages.
public struct TurbostatTable: Sendable, Equatable {
  /// One row: a package's, or the whole system's.
  public struct Row: Sendable, Equatable {
    /// The package, or nil for the system row.
    public fileprivate(set) var package: PackageID?
    /// Watts of each domain in the row, always including the package domain.
    public var watts: [PowerDomain: Double]
    /// When the interval ended by the time of day, in nanoseconds since 1970; nil if turbostat did not tell.
    public let endUnixNanoseconds: Int64?
  }

  /// The row with turbostat's own sums.
  public let system: Row
  /// One row for each package, ascending.
  public let packages: [Row]

  /// A table from its rows.
  ///
  /// Values that only the system row has are given to packages as far as possible: psys, of which the machine has one, to the first
  /// package, which has its counter; others (AMD's cores) to the only package. With several packages they are a sum that cannot be
  /// divided. A psys of 0 W is ignored, because psys includes the packages.
  ///
  /// Since Linux 6.9 dies are numbered across the machine. If a CPU has no level of dies, a die's number is its package's, and
  /// turbostat has a Die column only because some number is above 0. If it has one, packages from the second on begin with a greater
  /// number. Source: topo_shift_apicid in Linux arch/x86/kernel/cpu/topology.h.
  public init(system: Row, packages: [Row]) {
    var packages = packages
    let ids = packages.compactMap(\.package)
    if ids.count > 1, ids.allSatisfy({ $0.die == $0.package }) {
      for index in packages.indices { packages[index].package = PackageID(package: ids[index].package) }
    }
    for (domain, watts) in system.watts where packages.allSatisfy({ $0.watts[domain] == nil }) {
      guard !packages.isEmpty, packages.count == 1 || domain == .psys else { continue }
      guard watts > 0 || domain != .psys, watts <= Self.most(domain) else { continue }
      packages[0].watts[domain] = watts
    }
    self.system = system
    self.packages = packages
  }

  /// The greatest plausible power of a domain of a package, in watts.
  static func most(_ domain: PowerDomain) -> Double { PowerBound.highest.of(domain).watts }

  /// When the interval ended by the time of day, in nanoseconds since 1970: that of the package that was read last; nil if
  /// turbostat did not tell.
  public var endUnixNanoseconds: Int64? { packages.compactMap(\.endUnixNanoseconds).max() }

  /// Watts of all packages together.
  public var watts: Double {
    packages.reduce(0) { $0 + ($1.watts[.package] ?? 0) }
  }

  /// Whether packages have several dies, of which only one is shown.
  ///
  /// Otherwise turbostat has a Die column only if some package has several dies, and reads the counter of one; on Intel each has its
  /// own.
  /// Sources: get_rapl_domain_id in turbostat.c; Linux arch/x86/events/rapl.c, "CLX-AP is multi-die".
  var leavesDiesOut: Bool {
    packages.contains { row in
      guard let id = row.package, id.die != nil else { return false }
      return packages.count { $0.package?.package == id.package } == 1
    }
  }

  /// Whether the system row is the sum of the packages.
  ///
  /// Each row is a mean over an interval of its own. On a busy machine they differ by some percent; a package that is missing or
  /// counted twice makes a greater difference.
  public var isConsistent: Bool {
    let sum = system.watts[.package] ?? 0
    return abs(sum - watts) <= 0.05 * max(sum, watts) + 0.05
  }
}
