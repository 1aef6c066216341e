/// The processes and units that a table shows. Everything else becomes one row.
public struct TopSelection: Sendable, Equatable {
  /// Numbers of processes.
  public var pids: [Int]
  /// Names of units.
  public var units: [String]

  /// A selection; of nothing, it shows all rows.
  public init(pids: [Int] = [], units: [String] = []) { (self.pids, self.units) = (pids, units) }

  /// Whether all rows are shown.
  public var isEmpty: Bool { pids.isEmpty && units.isEmpty }

  /// Whether a row is shown.
  public func contains(_ row: TopTable.Row) -> Bool {
    isEmpty || row.pid.map(pids.contains) ?? false || units.contains { $0 == row.unit || $0 == row.name }
  }

  /// The groupings in which it means something.
  public var groupings: [Grouping] {
    Grouping.allCases.filter { (pids.isEmpty || $0 == .process) && (units.isEmpty || $0 != .user) }
  }
}
