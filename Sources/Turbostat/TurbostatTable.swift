public import RAPL

/// What turbostat measured over one of its intervals: one of its tables, its rows told apart.
public struct TurbostatTable: Sendable, Equatable {
  /// One row: a package's, or the whole system's.
  public struct Row: Sendable, Equatable {
    /// The package, or nil for the system row.
    public let package: PackageID?
    /// Watts of each domain that the row shows. The package domain is always among them.
    public var watts: [PowerDomain: Double]
    /// When the interval ended by the time of day, in nanoseconds since 1970; nil where turbostat did not say.
    public let endUnixNanoseconds: Int64?

    /// A row from its parts.
    public init(package: PackageID?, watts: [PowerDomain: Double], endUnixNanoseconds: Int64?) {
      self.package = package
      self.watts = watts
      self.endUnixNanoseconds = endUnixNanoseconds
    }
  }

  /// The row with turbostat's own sums.
  public let system: Row
  /// One row for each package, ascending.
  public let packages: [Row]

  /// A table from its rows.
  ///
  /// What only the system row shows is given to packages as far as it is theirs: psys, which is the machine's one, to the first,
  /// whose counter it is; the others (AMD's cores) to the only package. Of several packages it is a sum that nobody can divide.
  /// A psys of 0 W is none: psys contains the packages.
  public init(system: Row, packages: [Row]) {
    var packages = packages
    for (domain, watts) in system.watts where packages.allSatisfy({ $0.watts[domain] == nil }) {
      guard !packages.isEmpty, packages.count == 1 || domain == .psys else { continue }
      guard watts > 0 || domain != .psys, watts <= Self.most(domain) else { continue }
      packages[0].watts[domain] = watts
    }
    self.system = system
    self.packages = packages
  }

  /// What no domain of a package exceeds, in watts.
  static func most(_ domain: PowerDomain) -> Double { PowerBound.highest.of(domain).watts }

  /// When the interval ended by the time of day, in nanoseconds since 1970: that of the package read last; nil where
  /// turbostat did not say.
  public var endUnixNanoseconds: Int64? { packages.compactMap(\.endUnixNanoseconds).max() }

  /// Watts of all packages together.
  public var watts: Double {
    packages.reduce(0) { $0 + ($1.watts[.package] ?? 0) }
  }

  /// Whether packages have several dies, of which only one is shown.
  ///
  /// turbostat has a Die column only if some package has several dies, and reads the counter of one; on Intel each has its own.
  /// Sources: get_rapl_domain_id in turbostat.c; Linux arch/x86/events/rapl.c, "CLX-AP is multi-die".
  var leavesDiesOut: Bool {
    packages.contains { row in
      guard let id = row.package, id.die != nil else { return false }
      return packages.count { $0.package?.package == id.package } == 1
    }
  }

  /// Whether the system row is the sum of the packages.
  ///
  /// Each row is a mean over an interval of its own, which a busy machine makes differ by some percent; a package that is
  /// missing or counted twice makes more of a difference.
  public var isConsistent: Bool {
    let sum = system.watts[.package] ?? 0
    return abs(sum - watts) <= 0.05 * max(sum, watts) + 0.05
  }
}
