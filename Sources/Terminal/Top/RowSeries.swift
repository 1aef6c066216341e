internal import Attribution

/// The watts of each row in the latest windows.
struct RowSeries: Sendable {
  /// More windows than a screen has columns are not kept.
  private static let most = 300

  private struct Window {
    var seconds: Double
    /// The rows that drew anything.
    var centiwatts: [RowID: Int64]
  }

  /// From the oldest; nil for time without a window.
  private var windows: [Window?] = []
  /// The number of the first window of each row that exists: before it, the row has no watts rather than none.
  private var first: [RowID: Int] = [:]
  private var count = 0

  /// Takes in a table with all its rows.
  mutating func add(_ table: TopTable) {
    var window = Window(seconds: table.window.seconds, centiwatts: [:])
    var first: [RowID: Int] = [:]
    first.reserveCapacity(table.rows.count)
    for row in table.rows {
      guard let id = row.id else { continue }
      first[id] = self.first[id] ?? count
      if row.centiwatts != 0 { window.centiwatts[id] = row.centiwatts }
    }
    self.first = first
    append(window)
  }

  /// Notes time without a window.
  mutating func skip() {
    if windows.last.map({ $0 != nil }) ?? false { append(nil) }
  }

  private mutating func append(_ window: Window?) {
    windows.append(window)
    count += 1
    if windows.count > Self.most { windows.removeFirst() }
  }

  /// A row's watts in the latest windows, a column for each: as many columns as this, the last one now; nil for no window.
  func columns(of id: RowID, count columns: Int) -> [GraphColumn?] {
    let begin = first[id] ?? count
    let shown = windows.suffix(max(columns, 0))
    let drawn = zip(shown, (count - shown.count)...).map { window, number -> GraphColumn? in
      guard let window, number >= begin else { return nil }
      let watts = Double(window.centiwatts[id] ?? 0) / 100
      return GraphColumn(watts: watts, mostWatts: watts, isAsleep: false)
    }
    return [GraphColumn?](repeating: nil, count: max(columns - drawn.count, 0)) + drawn
  }

  /// The length of the latest windows together, as many as this, in seconds.
  func seconds(ofLatest columns: Int) -> Double {
    windows.suffix(max(columns, 0)).reduce(0) { $0 + ($1?.seconds ?? 0) }
  }
}
