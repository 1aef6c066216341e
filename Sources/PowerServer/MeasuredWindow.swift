internal import RAPL

/// A finished window: the energy at its two ends, and the watts between them.
struct MeasuredWindow {
  let start: EnergySnapshot
  let end: EnergySnapshot
  let sample: PowerSample

  /// What all packages drew in it, in joules.
  var joules: Double {
    var joules = 0.0
    for index in end.readings.indices where end.readings[index].domain == .package && index < start.readings.count {
      joules += end.readings[index].unit.joules(end.readings[index].counts &- start.readings[index].counts)
    }
    return joules
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
