internal import Formatting
internal import PowerSources
internal import RAPL

/// How often a counter moves, how evenly, and how far.
struct Rhythm: CustomStringConvertible {
  /// Milliseconds between moves: the median, and the 5 % and 95 % quantiles.
  private let middle: Double
  private let shortest: Double
  private let longest: Double
  /// Milliseconds between readings.
  private let apart: Double
  /// The counts from the first move to the last, through wraps.
  let counts: UInt64
  /// Whether it was reset in between, or showed a value that no power explains, so that more may have been drawn than `counts`.
  let isLowerBound: Bool
  /// The time from the first move to the last, in seconds.
  let seconds: Double

  /// The rhythm of a counter's readings; nil if it moved less than twice.
  ///
  /// - Parameters:
  ///   - counter: what counts it.
  ///   - range: how many values it has.
  init?(_ track: Trace.Track, _ counter: EnergyCounter, range: UInt64) {
    var counter = counter
    var moves: [Int64] = []
    // When the first move and the last one were seen.
    var seen: (first: Int64, last: Int64)?
    var last: Trace.Run?
    for run in track.runs {
      // 0 is never believed, as by the service.
      guard case .value(let raw) = run.reading, case let value = raw % range, value != 0 else { continue }
      // It moved at some time between two readings.
      if let last {
        let time = last.last + (run.first - last.last) / 2
        moves.append(time)
        // Energy is as of the reading: the move may lie far from the middle of a gap in the trace.
        _ = counter.record(value, at: run.first)
        seen = (seen?.first ?? run.first, run.first)
      }
      last = run
    }
    guard moves.count > 1, let seen, seen.last > seen.first else { return nil }
    let periods = zip(moves, moves.dropFirst()).map { Double($1 - $0) / 1e6 }.sorted()
    middle = periods[periods.count / 2]
    shortest = periods[periods.count / 20]
    longest = periods[periods.count - 1 - periods.count / 20]
    (counts, isLowerBound) = (counter.total, counter.isLowerBound || counter.rejections > 0)
    let readings = track.runs.reduce(into: (first: Int64.max, last: Int64(0))) { readings, run in
      readings = (min(readings.first, run.first), max(readings.last, run.last))
    }
    apart = Double(readings.last - readings.first) / 1e6 / Double(max(track.reads - 1, 1))
    seconds = Double(seen.last - seen.first) / 1e9
  }

  /// "1.00 ms (90 % after 0.95 to 1.05 ms)", or less if it was read too seldom to see that.
  var description: String {
    // A move between two others would not have been seen.
    guard middle > 2 * apart else {
      return
        "\(Numbers.fixed(middle, places: 2)) ms or more often (it was read every \(Numbers.fixed(apart, places: 2)) ms)"
    }
    let (shortest, longest) = (Numbers.fixed(shortest, places: 2), Numbers.fixed(longest, places: 2))
    return "\(Numbers.fixed(middle, places: 2)) ms (90 % of the moves after \(shortest) to \(longest) ms)"
  }
}
