internal import CMSRShim
public import RAPL

/// Dates the tables of one run of turbostat: when the interval of each ended on the monotonic clock, and its length.
///
/// turbostat tells by the time of day when an interval ended. A table may be read much later, if this process was stopped, and the
/// time of day may be set in between. So turbostat's time is used only if it lies after the end of the table before, and not in
/// the future: ends never go back.
///
/// turbostat's watts are the mean since the end of its table before, however late it is itself, and even if that table could not
/// be used: so a window begins at the end of the last table, even of an ignored one. After a table without an end, no window is
/// longer than an interval. Source: turbostat_loop in turbostat.c.
public struct TurbostatDating: Sendable {
  /// A moment by each of the clocks.
  public struct Moment: Sendable {
    /// Nanoseconds of the monotonic clock.
    public var monotonicNanoseconds: Int64
    /// Nanoseconds since 1970, by the time of day.
    public var unixNanoseconds: Int64
    /// How long the machine has slept since it was started, in nanoseconds.
    public var asleepNanoseconds: Int64

    /// A moment from its parts.
    public init(monotonicNanoseconds: Int64, unixNanoseconds: Int64, asleepNanoseconds: Int64) {
      self.monotonicNanoseconds = monotonicNanoseconds
      self.unixNanoseconds = unixNanoseconds
      self.asleepNanoseconds = asleepNanoseconds
    }

    /// Now.
    public static var now: Self {
      let monotonic = cmsr_monotonic_nanoseconds()
      return Self(
        monotonicNanoseconds: monotonic, unixNanoseconds: cmsr_realtime_nanoseconds(),
        asleepNanoseconds: cmsr_boottime_nanoseconds() &- monotonic)
    }

    /// The time of day less the monotonic time, in nanoseconds. A clock may have any value, so sums wrap around.
    fileprivate var offset: Int64 { unixNanoseconds &- monotonicNanoseconds }
  }

  /// The wire counts milliseconds: anything shorter is not a window.
  static let shortestWindow: Int64 = 1_000_000
  /// The two clocks are read one after the other, so a shorter sleep cannot be seen.
  private static let shortestSleep: Int64 = 50_000_000

  private let interval: Int64
  private var lastEnd: Int64
  private var isFirst = true
  /// Whether there may have been a table since the last end, or a new start of turbostat's measurement.
  private var hasLeftOut = false
  private var offset: Int64
  private var asleep: Int64

  /// The dating of a run that begins at a moment.
  public init(intervalSeconds: Double, begun: Moment) {
    interval = max(Int64(nanosecondsIn: intervalSeconds), Self.shortestWindow)
    lastEnd = begun.monotonicNanoseconds
    offset = begun.offset
    asleep = begun.asleepNanoseconds
  }

  /// Takes note of a table that cannot be used, or of what may have been one: its time belongs to no window.
  ///
  /// - Parameters:
  ///   - end: when its interval ended by the time of day, in nanoseconds since 1970; nil if that is unknown.
  ///   - now: when that was read.
  public mutating func leaveOut(endUnixNanoseconds end: Int64?, readAt now: Moment) {
    // The time in something broken may be broken too.
    hasLeftOut = true
    guard let end = self.end(end, readAt: now) else { return }
    lastEnd = end
    isFirst = false
  }

  /// A table's watts with the window that they are the mean of.
  ///
  /// - Parameter now: when the table was read.
  /// - Returns: nil if the window is unknown, or the machine slept in it. The time until the next table then belongs to no
  ///   window.
  public mutating func sample(of table: TurbostatTable, readAt now: Moment) -> PowerSample? {
    let slept = now.asleepNanoseconds &- asleep
    asleep = now.asleepNanoseconds
    let dated = end(table.endUnixNanoseconds, readAt: now)
    let end = dated ?? now.monotonicNanoseconds
    let elapsed = end &- lastEnd
    guard end > lastEnd, elapsed >= Self.shortestWindow else { return nil }
    lastEnd = end
    defer { (isFirst, hasLeftOut) = (false, false) }
    if slept > Self.shortestSleep { return nil }
    // The first interval begins some time after the start. A table without an end may arrive late, but it is the mean over at
    // most an interval.
    let isUsual = elapsed <= interval + interval / 2
    let isExact = !isFirst && (isUsual || dated != nil && !hasLeftOut)
    return PowerSample(
      watts: table.watts,
      windowNanoseconds: isExact ? elapsed : min(elapsed, interval), endMonotonicNanoseconds: end,
      endUnixNanoseconds: now.unixNanoseconds &- (now.monotonicNanoseconds &- end))
  }

  /// The end of an interval on the monotonic clock, by turbostat's time; nil if there is none, or it cannot be right.
  private mutating func end(_ stamp: Int64?, readAt now: Moment) -> Int64? {
    guard let stamp else { return nil }
    // If the time of day was set since the table before, the timestamp may still be by the old time.
    for offset in [now.offset, offset] {
      let end = stamp &- offset
      guard end > lastEnd, end <= now.monotonicNanoseconds else { continue }
      self.offset = offset
      return end
    }
    return nil
  }
}
