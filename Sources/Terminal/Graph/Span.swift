internal import PowerProtocol

/// What was drawn over a time, in one line.
struct Span: Sendable, Equatable {
  /// The least of all samples.
  var leastWatts: Double
  /// The mean of what was measured.
  var meanWatts: Double
  /// The most of all samples.
  var mostWatts: Double
  /// What was drawn while it was measured.
  var joules: Double
  /// How much of the time was measured, in seconds.
  var measuredSeconds: Double
  /// Whether some of it is known only as means over time asleep.
  var hasAsleep: Bool

  /// Sums up; nil for no rows.
  init?(_ rows: some Collection<HistoryReport.Row>) {
    guard let first = rows.first else { return nil }
    leastWatts = first.leastWatts
    mostWatts = first.mostWatts
    (joules, measuredSeconds, meanWatts, hasAsleep) = (0, 0, 0, false)
    var weighted = 0.0
    for row in rows {
      leastWatts = min(leastWatts, row.leastWatts)
      mostWatts = max(mostWatts, row.mostWatts)
      joules += row.joules
      measuredSeconds += row.seconds
      weighted += row.watts * row.seconds
      hasAsleep = hasAsleep || row.isAsleep
    }
    meanWatts = weighted / measuredSeconds
  }
}
