public import RAPL

/// Finds out with a few readings whether a counter moves, and how: all the time, or in steps.
///
/// Read every millisecond, a live counter has shown it after two readings, and one that moves in steps after two steps.
public struct CounterProbe: Sendable {
  /// How a counter moves.
  public enum Movement: Sendable, Equatable {
    /// It is updated about every millisecond.
    case continuous
    /// It stands still for a while, and then steps.
    case steps(StepTimer)
    /// It always reads 0.
    case zero
    /// It does not move.
    case stands(at: UInt64)

    /// When a package's counter steps; nil for a continuous one.
    ///
    /// - Throws: for a counter that does not move.
    public func timer(of package: PackageID) throws(SourceError) -> StepTimer? {
      switch self {
      case .continuous: nil
      case .steps(let timer): timer
      case .zero: throw .zeroCounter(package)
      case .stands(let value): throw .stuckCounter(package, value: value)
      }
    }
  }

  /// The time between readings, in nanoseconds.
  public static let pause: Int64 = 1_000_000
  /// How long a counter that reads 0 is observed: one that was never used stays 0.
  private static let patienceWithZero: Int64 = 100_000_000
  /// After this many changes that were all seen late, a counter counts as always moving: it was never seen standing still.
  private static let mostLateChanges = 16

  /// ", or less often than every 2.5 s": what may be the case of a counter that was not seen to move.
  public static let orTooSeldom = ", or less often than every \(Double(StepTimer.longestPeriod) / 1e9) s"

  private let start: Int64
  private let isSnapshot: Bool
  /// What the counter showed when it was last read; nil before the first reading, 0 left out.
  public private(set) var value: UInt64?
  private var firstSeen: Int64 = 0
  private var lastSeen: Int64 = 0
  private var lastSeenBefore: Int64 = 0
  private var firstStep: StepTimer.Moment?
  /// How many changes have told nothing, because the readings came late.
  private var lateChanges = 0

  /// A probe before its first reading.
  ///
  /// - Parameters:
  ///   - start: now, in nanoseconds of the monotonic clock.
  ///   - isSnapshot: whether the counter shows at most two values, as a captured one does: two are then enough, and one that
  ///     stands still shows it at once.
  public init(start: Int64, isSnapshot: Bool = false) {
    self.start = start
    self.isSnapshot = isSnapshot
  }

  /// Takes a value of the counter.
  ///
  /// - Returns: how it moves; nil while that is unknown.
  public mutating func take(_ value: UInt64, at time: Int64) -> Movement? {
    // AMD parts sometimes read 0, which is not a value.
    guard value != 0 else {
      return self.value == nil && time - start > Self.patienceWithZero ? .zero : overdue(time)
    }
    guard let old = self.value else {
      self.value = value
      (firstSeen, lastSeen) = (time, time)
      return nil
    }
    if value == old {
      lastSeen = time
      return overdue(time)
    }
    if isSnapshot { return .continuous }
    let step = StepTimer.Moment(between: lastSeen, and: time)
    // How long it showed the old value: at least from the first reading that saw it to the last, at most from that before to this.
    let (atLeast, atMost) = (lastSeen - firstSeen, time - lastSeenBefore)
    lastSeenBefore = lastSeen
    self.value = value
    (firstSeen, lastSeen) = (time, time)
    guard let firstStep else {
      firstStep = step
      return nil
    }
    if atLeast >= StepTimer.shortestPeriod {
      return .steps(StepTimer(firstValue: old, first: firstStep, value: value, second: step, now: time))
    }
    lateChanges += 1
    if atMost < StepTimer.shortestPeriod || lateChanges >= Self.mostLateChanges { return .continuous }
    self.firstStep = step
    return nil
  }

  private func overdue(_ time: Int64) -> Movement? {
    guard let value, time - firstSeen > (isSnapshot ? Self.patienceWithZero : StepTimer.longestPeriod) else {
      return nil
    }
    return .stands(at: value)
  }
}
