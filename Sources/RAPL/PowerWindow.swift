/// A finished window: the energy at its two ends, and the watts between them.
public struct PowerWindow: Sendable {
  /// The energy at its start.
  public let start: EnergySnapshot
  /// The energy at its end.
  public let end: EnergySnapshot
  /// The watts between them.
  public let sample: PowerSample

  /// A window from its parts.
  public init(start: EnergySnapshot, end: EnergySnapshot, sample: PowerSample) {
    self.start = start
    self.end = end
    self.sample = sample
  }

  /// The energy that all packages drew in it, in joules.
  public var joules: Double {
    var joules = 0.0
    for index in end.readings.indices where end.readings[index].domain == .package && index < start.readings.count {
      joules += end.readings[index].unit.joules(end.readings[index].counts &- start.readings[index].counts)
    }
    return joules
  }

  /// The mean power of one of its readings, from that reading's own energy and time, in watts; 0 if it was missing at the start.
  public func watts(of index: Int) -> Double {
    guard index < start.readings.count else { return 0 }
    let nanoseconds = end.readings[index].monotonicNanoseconds &- start.readings[index].monotonicNanoseconds
    guard nanoseconds > 0 else { return 0 }
    return end.readings[index].unit.joules(end.readings[index].counts &- start.readings[index].counts) * 1e9
      / Double(nanoseconds)
  }

  /// This window and the next one as one, over the time of both. Only the later one if it has other packages, or if energy was lost
  /// between the two: the mean over that time is then unknown.
  public func joined(by later: PowerWindow) -> PowerWindow {
    let (first, second) = (sample, later.sample)
    let nanoseconds = first.windowNanoseconds &+ second.windowNanoseconds
    guard nanoseconds > second.windowNanoseconds,
      start.readings.map(\.package) == later.end.readings.map(\.package),
      start.readings.map(\.domain) == later.end.readings.map(\.domain),
      end.readings.map(\.losses) == later.start.readings.map(\.losses)
    else { return later }
    let share = Double(first.windowNanoseconds) / Double(nanoseconds)
    return PowerWindow(
      start: start, end: later.end,
      sample: PowerSample(
        watts: first.watts * share + second.watts * (1 - share), windowNanoseconds: nanoseconds,
        endMonotonicNanoseconds: second.endMonotonicNanoseconds,
        endUnixNanoseconds: second.endUnixNanoseconds))
  }
}
