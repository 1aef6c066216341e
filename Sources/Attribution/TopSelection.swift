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
    isEmpty || row.pid.map(pids.contains) ?? false || units.contains { Self.isUnit($0, of: row) }
  }

  /// The units to which none of these rows belongs.
  public func missingUnits(in rows: [TopTable.Row]) -> [String] {
    units.filter { unit in !rows.contains { Self.isUnit(unit, of: $0) } }
  }

  /// A unit may be named as it is shown, or with systemd's escapes.
  private static func isUnit(_ name: String, of row: TopTable.Row) -> Bool {
    name == row.unit || name == row.name || CgroupPlace.unescaped(name) == row.unit
  }

  /// The groupings in which it means something.
  public var groupings: [Grouping] {
    Grouping.allCases.filter { (pids.isEmpty || $0 == .process) && (units.isEmpty || $0 != .user) }
  }
}
