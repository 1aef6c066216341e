internal import PowerProtocol

/// The power over a span of time, summed up.
struct GraphSpan: Sendable, Equatable {
  /// The least of all samples, in watts.
  var leastWatts: Double
  /// The mean of the measured time, in watts.
  var meanWatts: Double
  /// The greatest of all samples, in watts.
  var mostWatts: Double
  /// The energy of the measured time, in joules.
  var joules: Double
  /// How much of the time was measured, in seconds.
  var measuredSeconds: Double
  /// Whether part of it is known only as means over time asleep.
  var hasAsleep: Bool

  /// Sums up rows; nil for none.
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
