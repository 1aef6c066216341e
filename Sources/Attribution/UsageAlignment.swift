internal import RAPL

/// Puts CPU time beside windows of energy.
///
/// CPU time is read when a sample arrives, which is a little after the end of its window: by the time that the sample took to
/// arrive and the reading took, usually a few milliseconds, and up to a window if this program was stopped. So at each window's
/// end there is a stretch of CPU time that belongs to the next window. Time that no window has had yet is taken to be spread
/// evenly from the last window's end to the latest reading, and each window takes its part of that. What it leaves is kept for
/// the next one, in whole microseconds: none is lost and none counts twice.
struct UsageAlignment: Sendable {
  private var pending: [RowID: Int64] = [:]
  /// The end of the last window, in nanoseconds of CLOCK_MONOTONIC: pending time begins here.
  private var begin: Int64?

  /// Keeps CPU time for a window whose end is not known yet.
  mutating func keep(_ usage: CPUUsage) {
    for (row, time) in usage.rows {
      let (sum, overflows) = (pending[row] ?? 0).addingReportingOverflow(time)
      pending[row] = overflows ? .max / 4 : sum
    }
    begin = begin ?? usage.start
  }

  /// Gives the time of rows that have ended to one row, so that they do not become more and more.
  mutating func end(but live: [RowID: CPUUsage.About]) {
    for (row, time) in pending where row.canEnd && live[row] == nil {
      pending[row] = nil
      pending[.ended, default: 0] += time
    }
  }

  /// The CPU time of the window that ends at a moment.
  ///
  /// - Parameter end: in nanoseconds of CLOCK_MONOTONIC. If it is not between the last window's end and the latest reading, as
  ///   with a clock of another time namespace, the readings' own times count.
  mutating func take(_ usage: CPUUsage, until end: Int64) -> [RowID: Int64] {
    keep(usage)
    let start = begin ?? usage.start
    guard start < end, end < usage.end else {
      begin = usage.end
      defer { pending = [:] }
      return pending
    }
    begin = end
    let share = (Double(end) - Double(start)) / (Double(usage.end) - Double(start))
    var taken: [RowID: Int64] = [:]
    for (row, time) in pending {
      let part = min(max(Int64(clamping: (Double(time) * share).rounded()), 0), time)
      taken[row] = part
      pending[row] = part == time ? nil : time - part
    }
    return taken
  }

  /// Forgets all time up to the next reading.
  mutating func restart() { (pending, begin) = ([:], nil) }
}
