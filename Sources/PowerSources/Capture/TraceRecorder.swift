internal import CMSRShim
internal import RAPL

/// Reads counters repeatedly, as fast as is useful, and records their values.
package enum TraceRecorder {
  /// How often a counter is read: after how many nanoseconds again.
  package enum Pace: Int64, Sendable {
    /// Often enough to see each move: for a package.
    case fast = 0
    /// A hundred times a second: for another domain.
    case steady = 10_000_000
    /// Ten times a second: for a core, because there are many.
    case slow = 100_000_000
  }

  /// A counter and how it is read.
  package struct Source {
    let counter: Trace.Counter
    /// How often to read it.
    let pace: Pace
    /// Reads it now.
    package let read: () -> Trace.Reading

    /// A counter from its parts.
    package init(_ counter: Trace.Counter, _ pace: Pace = .fast, read: @escaping () -> Trace.Reading) {
      self.counter = counter
      self.pace = pace
      self.read = read
    }
  }

  /// Counters move about once a millisecond; a tenth of that shows when.
  private static let shortestPeriod: Int64 = 100_000
  /// The greatest rate of readings of all counters together: 50,000 a second.
  private static let shortestRead: Int64 = 20_000

  /// A reading that takes longer counts as interrupted, and is repeated at most this often.
  private static let tolerance: Int64 = 1_000_000
  private static let mostTries = 3

  /// Reads counters for this long.
  ///
  /// - Returns: nil if the machine slept in that time.
  package static func record(_ sources: [Source], nanoseconds: Int64) -> Trace? {
    let clocks = [cmsr_monotonic_nanoseconds(), cmsr_boottime_nanoseconds(), cmsr_realtime_nanoseconds()]
    let start = clocks[0]
    var tracks = sources.map { Trace.Track(counter: $0.counter) }
    let period = max(shortestPeriod, shortestRead * Int64(sources.count { $0.pace == .fast }))
    var dues = sources.map { _ in start }
    var due = start
    while due - start <= nanoseconds {
      for index in sources.indices where due >= dues[index] {
        let (reading, time) = read(sources[index])
        tracks[index].add(reading, at: time - start)
        dues[index] = due + sources[index].pace.rawValue
      }
      // If it is late, it skips rounds rather than catching up.
      due = max(due + period, cmsr_monotonic_nanoseconds())
      cmsr_sleep_until(due)
    }
    let end = cmsr_monotonic_nanoseconds()
    let asleep = (cmsr_boottime_nanoseconds() - end) - (clocks[1] - start)
    guard asleep < PowerMeter.shortestSleepNanoseconds else { return nil }
    return Trace(clocks: clocks, tracks: tracks, nanoseconds: end - start)
  }

  /// The quickest of a few readings, and its middle: an interrupted reading does not tell when it was made.
  private static func read(_ source: Source) -> (reading: Trace.Reading, time: Int64) {
    var best: (reading: Trace.Reading, time: Int64, took: Int64)?
    for _ in 0..<mostTries {
      let before = cmsr_monotonic_nanoseconds()
      let reading = source.read()
      let took = cmsr_monotonic_nanoseconds() - before
      if took < best?.took ?? .max { best = (reading, before + took / 2, took) }
      if took <= tolerance { break }
    }
    return best.map { ($0.reading, $0.time) } ?? (source.read(), cmsr_monotonic_nanoseconds())
  }
}
