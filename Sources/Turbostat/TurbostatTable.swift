public import RAPL

/// What turbostat measured over one of its intervals: one of its tables, its rows told apart.
public struct TurbostatTable: Sendable, Equatable {
  /// One row: a package's, or the whole system's.
  public struct Row: Sendable, Equatable {
    /// The package, or nil for the system row.
    public let package: PackageID?
    /// Watts of each domain that the row shows. The package domain is always among them.
    public let watts: [PowerDomain: Double]
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

  /// A table from its parts.
  public init(system: Row, packages: [Row]) {
    self.system = system
    self.packages = packages
  }

  /// Watts of all packages together.
  public var watts: Double {
    packages.reduce(0) { $0 + ($1.watts[.package] ?? 0) }
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
