/// Times a counter that moves so seldom that it can be seen standing still, such as one that a hypervisor computes once a second.
///
/// Such a counter shows the energy up to its latest step, not up to now: its energy belongs to the moment of the step. That
/// moment lies between the last reading with the value before the step and the first with the value after it. So the timer tells
/// when to search for the next step, and which steps are known well enough to end a window.
public struct StepTimer: Sendable, Equatable {
  /// A moment that is known within an error.
  public struct Moment: Sendable, Equatable {
    /// In nanoseconds of the monotonic clock.
    public let nanoseconds: Int64
    /// How much earlier or later it may be.
    public let error: Int64

    /// A moment between two others.
    public init(between start: Int64, and end: Int64) {
      error = max((end &- start) / 2, 0)
      nanoseconds = start &+ error
    }
  }

  /// A counter that stands still this long moves in steps; others are updated about every millisecond.
  public static let shortestPeriod: Int64 = 20_000_000
  /// A counter that stands still longer than this cannot be used: nobody waits so long for a sample.
  public static let longestPeriod: Int64 = 2_500_000_000

  /// The greatest error of both ends of a window, as a share of the window: a hundredth.
  private static let windowsInError: Int64 = 100
  /// Steps that end windows need not be closer than this: the shortest public window.
  private static let shortestWindow: Int64 = 250_000_000
  /// A counter that has not moved for this many periods has stopped, and is not waited for any more.
  private static let periodsToStop: Int64 = 4
  /// For how many periods a step predicts later ones.
  private static let longestReckoning: Int64 = 16
  /// After this many steps in a row that were not seen when they happened, the period is in doubt.
  private static let mostBlurred = 2

  /// The time between steps, in nanoseconds.
  public private(set) var period: Int64
  /// How far steps are from their expected times, in nanoseconds: the greatest of the recent ones.
  private var deviation: Int64
  /// The counter's value after the first of the two steps by which it was found.
  public let firstValue: UInt64
  /// That step.
  let firstStep: Moment
  /// Whether these two steps are known well enough to be the ends of a window.
  let isFirstWindowGood: Bool
  /// The counter's value at the latest reading.
  public private(set) var value: UInt64
  /// The time of the latest reading.
  private var lastReading: Int64
  /// The latest step, and the latest that is known to within two readings.
  private var latest: Moment
  private var anchor: Moment
  /// The step that ended the latest window; nil after a loss, when a new window has to begin.
  private var settled: Moment?
  /// The expected time of the step that will end the next window.
  private var due: Int64 = 0
  /// How much earlier than that the search for it begins.
  private var lead: Int64 = 0
  /// How many steps are still searched for without an idea of when they come.
  private var searches = 0
  /// How many steps in a row were seen too late to be known well.
  private var blurred = 0

  /// A counter that was seen to step twice.
  ///
  /// - Parameters:
  ///   - firstValue: its value between the two steps; not 0.
  ///   - first: its first step.
  ///   - value: its value since the second step; not 0.
  ///   - second: its second step.
  ///   - now: the latest reading.
  public init(firstValue: UInt64, first: Moment, value: UInt64, second: Moment, now: Int64) {
    period = min(max(second.nanoseconds &- first.nanoseconds, Self.shortestPeriod), Self.longestPeriod)
    deviation = period / 50
    self.value = value
    lastReading = now
    latest = second
    anchor = second
    isFirstWindowGood = Self.isGood(from: first, to: second)
    settled = isFirstWindowGood || Self.isGoodBeginning(second, period) ? second : nil
    firstStep = first
    self.firstValue = firstValue
    expect(after: second)
  }

  /// Whether a window may begin, or end, with the latest step.
  var isSettled: Bool { settled == latest }

  /// The latest step.
  public var latestStep: Moment { latest }

  /// The time between readings in search of a step: a two hundredth of the period, so that a step is known within half of that.
  private var gap: Int64 { max(period / 200, 1_000_000) }

  /// When to read again.
  public var nextReading: Int64 {
    if isStopped { return lastReading + period / 2 }
    let begin = searches > 0 ? lastReading : due - min(lead, period * 3 / 4)
    if lastReading < begin { return begin }
    // One that is very late is searched for less often.
    return lastReading + (lastReading > due + max(period / 2, 4 * deviation) ? 8 * gap : gap)
  }

  /// Whether the counter has not moved for so long that it is no longer between two steps.
  public var isStopped: Bool { lastReading - latest.nanoseconds > Self.periodsToStop * period }

  /// Takes a value of the counter.
  ///
  /// - Returns: the step; nil if it is the same value.
  public mutating func take(_ value: UInt64, at time: Int64) -> Moment? {
    defer { lastReading = max(time, lastReading) }
    if value == self.value { return nil }
    self.value = value
    return Moment(between: lastReading, and: time)
  }

  /// Takes a step whose energy was counted.
  ///
  /// - Parameter isLost: whether some energy before it could not be counted: then a new window begins.
  /// - Returns: whether a window may end or begin with it.
  public mutating func accept(_ step: Moment, isLost: Bool) -> Bool {
    // Read since, it has made no other step.
    let isNext = latest == anchor
    latest = step
    if isLost { settled = nil }
    learn(step, isNext: isNext)
    let isGood =
      if let settled {
        Self.isGood(from: settled, to: step)
      } else {
        Self.isGoodBeginning(step, period)
      }
    if isGood { settled = step }
    expect(after: step)
    return isGood
  }

  /// Whether two steps are known well enough to be the ends of a window.
  private static func isGood(from start: Moment, to end: Moment) -> Bool {
    start.error &+ end.error <= (end.nanoseconds &- start.nanoseconds) / windowsInError
  }

  /// Whether a step is known well enough to begin a window.
  private static func isGoodBeginning(_ step: Moment, _ period: Int64) -> Bool {
    step.error <= max(period, shortestWindow) / windowsInError
  }

  /// Whether a step was seen by a reading that was meant for it, though it may have come late.
  private func isSeen(_ step: Moment) -> Bool { step.error <= 4 * gap }

  private mutating func learn(_ step: Moment, isNext: Bool) {
    guard isSeen(step) else { return }
    let elapsed = step.nanoseconds - anchor.nanoseconds
    anchor = step
    // A step long ago tells how many periods have passed, not how long each was.
    guard elapsed > 0, elapsed <= Self.longestReckoning * period else { return }
    let steps = isNext ? 1 : max((elapsed + period / 2) / period, 1)
    let measured = min(max(elapsed / steps, Self.shortestPeriod), Self.longestPeriod)
    let error = abs(measured - period)
    deviation = min(max(error, deviation - deviation / 8), period / 4)
    // A completely different period is accepted at once.
    period = error > period / 4 ? measured : period + (measured - period) / 8
  }

  private mutating func expect(after step: Moment) {
    if isSeen(step) {
      blurred = 0
      searches = max(searches - 1, 0)
      lead = step.error + 2 * deviation + 2 * gap
      // A window ends with the first step that is far enough; after one that does not end a window, with the very next.
      let steps = settled == step ? (Self.shortestWindow + period - 1) / period : 1
      due = step.nanoseconds + steps * period
      return
    }
    blurred += 1
    let seen = step.nanoseconds + step.error
    lead = 2 * deviation + 2 * gap
    let passed = max((seen + lead - anchor.nanoseconds) / period, 0)
    if blurred <= Self.mostBlurred && passed < Self.longestReckoning {
      due = anchor.nanoseconds + (passed + 1) * period
    } else {
      // Nothing is known of when the next one comes, so it is searched for from now on; and the one after it tells the period.
      due = seen + period
      searches = 2
    }
  }
}
