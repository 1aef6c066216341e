internal import CMSRShim
internal import RAPL

extension CounterSource {
  /// Finds out how the packages' counters move, all at the same time.
  ///
  /// - Parameter isSnapshot: whether each counter can show only two values.
  /// - Throws: an error if a counter does not move.
  static func probe(_ packages: inout [CounterMeter], isSnapshot: Bool) throws(SourceError) {
    let start = cmsr_monotonic_nanoseconds()
    var probes = [CounterProbe?](repeating: CounterProbe(start: start, isSnapshot: isSnapshot), count: packages.count)
    var poll = start
    while true {
      for index in packages.indices {
        guard var probe = probes[index] else { continue }
        let value = try packages[index].look()
        let movement = probe.look(value.value, at: value.monotonicNanoseconds)
        probes[index] = movement == nil ? probe : nil
        if let movement { try packages[index].take(movement) }
      }
      if probes.allSatisfy({ $0 == nil }) { return }
      poll = max(poll + CounterProbe.pause, cmsr_monotonic_nanoseconds())
      cmsr_sleep_until(poll)
    }
  }

  /// The time between steps of counters that move in steps, in nanoseconds; 0 if none does.
  static func period(_ packages: [CounterMeter]) -> Int64 {
    packages.compactMap { $0.course.stepped?.timer.period }.max() ?? 0
  }

  /// "1.02"
  static func seconds(_ nanoseconds: Int64) -> String {
    let hundredths = (nanoseconds + 5_000_000) / 10_000_000
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
