/// When samples are taken: at the points of one grid that all connections share, without drift.
struct SamplingGrid {
  /// The first point, in nanoseconds of the monotonic clock.
  let first: Int64
  /// From point to point, in nanoseconds.
  let interval: Int64
  /// The shortest time that may lie between two readings, in nanoseconds: a reading that is so late that the next point is
  /// closer than this takes that point's place.
  let shortestGap: Int64

  /// The first point that is far enough from the reading made at `now`.
  func next(after now: Int64) -> Int64 {
    let earliest = now + shortestGap
    guard earliest > first else { return first }
    let (steps, rest) = (earliest - first).quotientAndRemainder(dividingBy: interval)
    return first + (rest == 0 ? steps : steps + 1) * interval
  }
}
