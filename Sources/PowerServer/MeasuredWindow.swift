package import RAPL

/// A finished window: the energy at its two ends, and the watts between them.
package struct MeasuredWindow {
  package let start: EnergySnapshot
  package let end: EnergySnapshot
  package let sample: PowerSample

  /// What all packages drew in it, in joules.
  package var joules: Double {
    var joules = 0.0
    for index in end.readings.indices where end.readings[index].domain == .package && index < start.readings.count {
      joules += end.readings[index].unit.joules(end.readings[index].counts &- start.readings[index].counts)
    }
    return joules
  }

  /// This window and the next one as one, over the time of both. The later one alone if it is of other packages, or if energy
  /// was lost between the two: then nobody knows the mean over that time.
  func joined(by later: MeasuredWindow) -> MeasuredWindow {
    let (first, second) = (sample, later.sample)
    let nanoseconds = first.windowNanoseconds &+ second.windowNanoseconds
    guard nanoseconds > second.windowNanoseconds, first.packageWatts.count == second.packageWatts.count,
      start.readings.map(\.package) == later.end.readings.map(\.package),
      start.readings.map(\.domain) == later.end.readings.map(\.domain),
      end.readings.map(\.losses) == later.start.readings.map(\.losses)
    else { return later }
    let share = Double(first.windowNanoseconds) / Double(nanoseconds)
    func mean(_ earlier: Double, _ later: Double) -> Double { earlier * share + later * (1 - share) }
    return MeasuredWindow(
      start: start, end: later.end,
      sample: PowerSample(
        watts: mean(first.watts, second.watts), packageWatts: zip(first.packageWatts, second.packageWatts).map(mean),
        windowNanoseconds: nanoseconds, endMonotonicNanoseconds: second.endMonotonicNanoseconds,
        endUnixNanoseconds: second.endUnixNanoseconds))
  }
}

extension PowerMeter {
  /// The window that ends with a snapshot, or why there is none.
  mutating func finish(_ end: EnergySnapshot) -> WindowResult {
    let start = start
    switch measure(end) {
    case .sample(let sample): return .window(MeasuredWindow(start: start ?? end, end: end, sample: sample))
    case .none(let reason): return .none(reason)
    }
  }

  /// What a snapshot gave.
  enum WindowResult {
    case window(MeasuredWindow)
    case none(NoSample)
  }
}
