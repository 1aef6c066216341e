internal import PowerProtocol
internal import RAPL

/// What the service told of limits in the last minute.
struct LimitsTrack: Sendable {
  private static let spanSeconds = 60.0
  /// No service reads limits more often; whatever comes more often is not kept.
  private static let shortestSeconds = 0.2

  private var reports: [LimitsReport] = []

  /// The latest limits; nil if there are none.
  var latest: LimitsReport? { reports.last }

  /// Takes a report, and forgets those of more than a minute before it.
  mutating func append(_ report: LimitsReport) {
    guard report.source != nil else { return }
    // The clock of another machine, or of this one after a restart.
    if let last = reports.last, report.monotonicSeconds < last.monotonicSeconds { reports = [] }
    if let last = reports.last, report.monotonicSeconds - last.monotonicSeconds < Self.shortestSeconds { return }
    reports.append(report)
    reports.removeAll { report.monotonicSeconds - $0.monotonicSeconds > Self.spanSeconds }
  }

  /// Forgets all.
  mutating func clear() { reports = [] }

  /// The time that it covers, in seconds.
  var coveredSeconds: Double {
    guard let first = reports.first, let last = reports.last else { return 0 }
    return last.monotonicSeconds - first.monotonicSeconds
  }

  /// How long the most throttled package was throttled in that time, in seconds; nil if no package tells.
  var throttledSeconds: Double? {
    guard let first = reports.first, let last = reports.last else { return nil }
    return last.packages.compactMap { package -> Double? in
      guard let before = first.packages.first(where: { $0.id == package.id }),
        let start = before.throttling.throttledSeconds[.package],
        let end = package.throttling.throttledSeconds[.package],
        let range = package.throttling.throttledRangeSeconds
      else { return nil }
      let seconds = end < start ? end - start + range : end - start
      // Longer than the time itself: the counter was reset.
      return seconds <= coveredSeconds + 1 ? seconds : nil
    }.max()
  }

  /// Why the cores of any package were slowed down in that time, the most frequent reason first.
  var reasons: [LimitReason] {
    var counts: [LimitReason: Int] = [:]
    for report in reports {
      for reason in Set(report.packages.flatMap { $0.throttling.reasons[.core]?.active ?? [] }) {
        counts[reason, default: 0] += 1
      }
    }
    return LimitReason.allCases.filter { counts[$0] != nil }.sorted { counts[$0, default: 0] > counts[$1, default: 0] }
  }
}
