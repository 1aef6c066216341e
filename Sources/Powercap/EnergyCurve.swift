internal import RAPL

/// The energy of one zone over time: what an energy counter shows between the points at which it was read.
///
/// The service reads its counters a few times a second, but a reader of `energy_uj` may come at any moment. So the curve is shown
/// one window late: the moment that is asked for then lies between two readings, and the energy at it is interpolated. A moment
/// after the latest reading has no value yet. Only before the very first reading, where a reader waited for it, the power of the
/// first window is taken.
///
/// - The value never goes back, and over a longer time it grows by exactly the energy that was counted.
/// - While the power is steady, it grows at exactly this power.
/// - If the service starts to count anew, the value continues.
public struct EnergyCurve: Sendable {
  /// The energy at a moment.
  public enum Value: Sendable, Equatable {
    /// The energy, in microjoules, which wraps at the zone's range.
    case microjoules(UInt64)
    /// It is known only after the next reading.
    case afterNextReading
    /// There was never a reading.
    case unknown
  }

  private struct Point {
    let seconds: Double
    /// Since the curve's beginning.
    var joules: Double
  }

  /// How many points and windows are kept: the delay never goes back further than two windows.
  private static let mostPoints = 8
  private static let mostWindows = 4
  /// Times are rounded to the millisecond, so that the end of a window and the start of the next can differ this much.
  private static let sameMomentSeconds = 0.002
  /// How much longer than a window the delay is: a reading may be 10 ms late, and needs a moment to arrive.
  private static let slack = 1.1
  /// More than any machine draws in a century; a server that says more must not trap.
  private static let mostJoules = 1e12

  private var points: [Point] = []
  /// The lengths of the latest windows, in seconds.
  private var windows: [Double] = []
  /// The latest energy as the service counts it, and what it counted before it began anew, in joules.
  private var counted = 0.0
  private var before = 0.0
  /// The greatest value that was given out.
  private var shown = 0.0

  /// No reading yet.
  public init() {}

  /// Adds a reading that ends a window. A reading that is older than the latest is ignored.
  ///
  /// - Parameters:
  ///   - seconds: the end of the window, by CLOCK_MONOTONIC.
  ///   - windowSeconds: the length of the window.
  ///   - joules: the energy at its end, as the service counts it.
  ///   - windowJoules: the energy in it.
  public mutating func add(seconds: Double, windowSeconds: Double, joules: Double, windowJoules: Double) {
    let joules = min(joules, Self.mostJoules)
    guard points.last.map({ seconds > $0.seconds }) ?? true else { return }
    // Only a service that was restarted counts less than before, and it counts nothing that was drawn earlier.
    if joules < counted { before += counted }
    counted = joules
    let end = Point(seconds: seconds, joules: before + joules)
    let start = Point(seconds: seconds - windowSeconds, joules: end.joules - windowJoules)
    // After a gap the window's start is a point of its own.
    let gap = points.last.map { start.seconds - $0.seconds } ?? .infinity
    if gap > Self.sameMomentSeconds {
      points.append(Point(seconds: start.seconds, joules: max(start.joules, points.last?.joules ?? 0)))
      windows.removeAll()
    } else {
      // Not the window's own length: this one may replace one that began later.
      windows.append(seconds - (points.last?.seconds ?? start.seconds))
    }
    points.append(end)
    if windows.count > Self.mostWindows { windows.removeFirst() }
    if points.count > Self.mostPoints { points.removeFirst(points.count - Self.mostPoints) }
  }

  /// Moves the beginning of a curve that is asked for a moment before the service itself began to count: a counter has no negative
  /// values.
  ///
  /// - Returns: the energy at the beginning.
  private mutating func begin(earlierBy joules: Double) -> Double {
    guard joules <= Self.mostJoules else { return 0 }
    before += joules
    for index in points.indices { points[index].joules += joules }
    return 0
  }

  /// How late the curve is shown, in seconds: a window and a little.
  ///
  /// It is that of the shortest of the latest windows, so that readings that are missing do not change it, in whole steps, so that
  /// readings that are late do not. Counters that move in steps of their own have long windows.
  private func delay(stepSeconds: Double) -> Double {
    let window = windows.count == Self.mostWindows ? windows.min() ?? 0 : 0
    return stepSeconds * max((window / stepSeconds).rounded(), 1) * Self.slack
  }

  /// When the latest reading was made, by CLOCK_MONOTONIC in seconds; nil before the first.
  public var latestSeconds: Double? { points.last?.seconds }

  /// The value to show somebody who asked at a moment.
  ///
  /// - Parameters:
  ///   - asked: CLOCK_MONOTONIC, in seconds.
  ///   - stepSeconds: the time between readings.
  public mutating func value(at asked: Double, stepSeconds: Double) -> Value {
    guard let last = points.last else { return .unknown }
    let moment = asked - delay(stepSeconds: stepSeconds)
    guard moment <= last.seconds else { return .afterNextReading }
    var joules = last.joules
    // Before the first reading it is the first window that is continued.
    if let (start, end) = zip(points, points.dropFirst()).first(where: { moment < $1.seconds }) {
      let share = (moment - start.seconds) / (end.seconds - start.seconds)
      joules = start.joules + (end.joules - start.joules) * share
    }
    if joules < 0 { joules = begin(earlierBy: -joules) }
    shown = max(shown, joules)
    return .microjoules(UInt64(clamping: (shown * 1e6).rounded()) % EnergyZone.range)
  }
}
