internal import PowerProtocol

/// The power in one column's time.
struct GraphColumn: Sendable, Equatable {
  /// The mean of the measured part, in watts.
  var watts: Double
  /// The greatest of its samples, in watts.
  var mostWatts: Double
  /// Whether most of it is known only as a mean over time asleep.
  var isAsleep: Bool

  /// How much of itself, or of a column, a row must cover to count in that column.
  private static let leastShare = 0.25

  /// Each column of a scale; nil if nothing was measured in it.
  static func columns(_ rows: some Sequence<HistoryReport.Row>, _ scale: TimeScale) -> [GraphColumn?] {
    var sums = [Sum](repeating: Sum(), count: max(scale.columns, 0))
    for row in rows {
      let places = max(scale.column(at: row.start), 0)...max(scale.column(at: row.unixSeconds), 0)
      for index in places where index < sums.count {
        let begin = scale.start(ofColumn: index)
        let overlap = min(row.unixSeconds, begin + scale.columnSeconds) - max(row.start, begin)
        guard overlap >= leastShare * min(row.seconds, scale.columnSeconds) else { continue }
        sums[index].add(row, seconds: overlap)
      }
    }
    return sums.map(\.column)
  }

  private struct Sum {
    var seconds = 0.0
    var weighted = 0.0
    var most = 0.0
    var asleep = 0.0

    mutating func add(_ row: HistoryReport.Row, seconds overlap: Double) {
      seconds += overlap
      weighted += row.watts * overlap
      most = max(most, row.mostWatts)
      if row.isAsleep { asleep += overlap }
    }

    var column: GraphColumn? {
      guard seconds > 0 else { return nil }
      return GraphColumn(watts: weighted / seconds, mostWatts: most, isAsleep: asleep > seconds / 2)
    }
  }
}
