internal import RAPL

/// What is shown of a ledger: rows whose printed watts and joules add up exactly to the printed totals.
///
/// Watts are in steps of 10 mW and joules in steps of 10 mJ, each column split with `apportion` by the ledger's microjoules. A row's
/// number may so be one step from its own rounding.
public struct TopTable: Sendable, Equatable {
  /// A row.
  public struct Row: Sendable, Equatable {
    /// What it stands for; nil for a sum of rows that are not shown.
    public var id: RowID?
    /// Its name: any characters.
    public var name: String
    /// Its unit's name; nil if it has none, or is one.
    public var unit: String?
    /// The mean of the window, in steps of 10 mW.
    public var centiwatts: Int64
    /// The energy since the beginning, in steps of 10 mJ.
    public var centijoules: Int64
    /// CPU time in the window, in seconds.
    public var cpuSeconds: Double
  }

  /// What to sort by.
  public enum Order: String, Sendable, CaseIterable {
    /// The most watts first.
    case watts
    /// The most joules first.
    case joules
    /// The most CPU time first.
    case cpu
    /// By name.
    case name
  }

  /// The rows of processes, units, containers or users, sorted.
  public private(set) var rows: [Row] = []
  /// Rows of their own: `idle`, `hidden`, `not attributed` and what has ended.
  public private(set) var others: [Row] = []
  /// All packages' mean in the window, in steps of 10 mW.
  public var centiwatts: Int64
  /// All packages' energy since the beginning, in steps of 10 mJ.
  public var centijoules: Int64
  /// The window.
  public var window: EnergyWindow
  /// The length of all windows together, in seconds.
  public var seconds: Double
  /// The idle power; nil if nothing is known of it.
  public var idle: IdleEstimate.Power?
  /// Whether some energy was not counted.
  public var isLowerBound: Bool

  /// The table of a ledger whose latest window is this one.
  ///
  /// - Parameter userName: the name of a user's number.
  public init(_ ledger: EnergyLedger, _ window: EnergyWindow, by order: Order, userName: (UInt32) -> String) {
    centiwatts = window.centiwatts
    centijoules = (ledger.microjoules + 5000) / 10_000
    (self.window, seconds, idle) = (window, ledger.seconds, ledger.idle.power)
    isLowerBound = ledger.isLowerBound
    var entries = ledger.entries
    for row in ledger.about.keys { entries[row] = entries[row] ?? EnergyLedger.Entry() }
    // If nothing was counted in the window, or not enough for a step, its watts belong to nobody.
    for row in [RowID.idle, .notAttributed] { entries[row] = entries[row] ?? EnergyLedger.Entry() }
    let ids = Array(entries.keys)
    let watts = Self.split(centiwatts, ids.map { entries[$0]?.windowMicrojoules ?? 0 }, orElse: ids)
    let joules = Self.split(centijoules, ids.map { entries[$0]?.microjoules ?? 0 }, orElse: ids)
    for (place, id) in ids.enumerated() {
      let about = ledger.about[id]
      let row = Row(
        id: id, name: Self.name(id, about, userName), unit: about?.unit, centiwatts: watts[place],
        centijoules: joules[place], cpuSeconds: Double(entries[id]?.microseconds ?? 0) / 1e6)
      switch id {
      case .idle, .notAttributed: others.append(row)
      case .hidden, .ended: if row.isWorthShowing { others.append(row) }
      case .process, .unit, .container, .outside, .user: rows.append(row)
      }
    }
    sort(by: order)
    others.sort { Self.rank($0.id) < Self.rank($1.id) }
  }

  /// Sorts the rows in another way.
  public mutating func sort(by order: Order) { rows.sort { Self.isBefore($0, $1, order) } }

  /// The sum of all rows: the totals.
  public var total: Row {
    Row(
      id: nil, name: "total", centiwatts: centiwatts, centijoules: centijoules,
      cpuSeconds: (rows + others).reduce(0) { $0 + $1.cpuSeconds })
  }

  /// Shows only some rows. The others become one, so that the sums stay.
  public mutating func keep(where isWanted: (Row) -> Bool) {
    fold(rows.filter { !isWanted($0) }, rows.filter(isWanted))
  }

  /// Leaves out rows whose numbers are all 0, which changes no sum.
  public mutating func leaveOutZeros() { rows.removeAll { !$0.isWorthShowing } }

  /// Shows only the first rows, this many. The others become one, so that the sums stay.
  public mutating func keep(first count: Int) { keep(0..<max(count, 0)) }

  /// Shows only the rows at these places. The others become one, so that the sums stay.
  public mutating func keep(_ places: Range<Int>) {
    let places = places.clamped(to: rows.indices)
    fold(Array(rows[..<places.lowerBound] + rows[places.upperBound...]), Array(rows[places]))
  }

  private mutating func fold(_ left: [Row], _ kept: [Row]) {
    guard !left.isEmpty else { return }
    var before = Row(id: nil, name: "", centiwatts: 0, centijoules: 0, cpuSeconds: 0)
    if let place = others.firstIndex(where: { $0.id == nil }) { before = others.remove(at: place) }
    let count = left.count + (Int(before.name.prefix { $0.isNumber }) ?? 0)
    let sum = left.reduce(into: before) {
      $0.centiwatts += $1.centiwatts
      $0.centijoules += $1.centijoules
      $0.cpuSeconds += $1.cpuSeconds
    }
    rows = kept
    others.insert(
      Row(
        id: nil, name: count == 1 ? "1 more row" : "\(count) more rows", centiwatts: sum.centiwatts,
        centijoules: sum.centijoules, cpuSeconds: sum.cpuSeconds), at: 0)
  }

  private static func split(_ total: Int64, _ weights: [Int64], orElse ids: [RowID]) -> [Int64] {
    apportion(total, by: weights) ?? ids.map { $0 == .notAttributed ? total : 0 }
  }

  private static func name(_ id: RowID, _ about: CPUUsage.About?, _ userName: (UInt32) -> String) -> String {
    switch id {
    case .idle: "idle"
    case .hidden: "hidden"
    case .notAttributed: "not attributed"
    case .ended: "ended"
    case .user(let number): userName(number)
    case .process, .unit, .container, .outside: about?.name ?? "?"
    }
  }

  private static func rank(_ id: RowID?) -> Int {
    switch id {
    case nil: 0
    case .ended: 1
    case .hidden: 2
    case .notAttributed: 3
    default: 4
    }
  }

  private static func isBefore(_ one: Row, _ other: Row, _ order: Order) -> Bool {
    switch order {
    case .watts where one.centiwatts != other.centiwatts: one.centiwatts > other.centiwatts
    case .joules where one.centijoules != other.centijoules: one.centijoules > other.centijoules
    case .watts, .joules, .cpu:
      one.cpuSeconds != other.cpuSeconds ? one.cpuSeconds > other.cpuSeconds : one.key < other.key
    case .name: one.key < other.key
    }
  }
}

extension TopTable.Row {
  /// The process's number; nil if the row is not a process.
  public var pid: Int? { if case .process(let pid, _) = id { pid } else { nil } }

  /// Whether any number of it is not 0.
  var isWorthShowing: Bool { centiwatts != 0 || centijoules != 0 || cpuSeconds != 0 }

  /// What tells apart rows that are equal otherwise, so that they keep their places.
  fileprivate var key: (String, Int, String) {
    switch id {
    case .unit(let path), .container(let path): (name, 0, path)
    default: (name, pid ?? 0, "")
    }
  }
}
