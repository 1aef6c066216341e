/// When samples are taken: at the points of one grid that all connections share, without drift.
struct SamplingGrid {
  /// The first point, in nanoseconds of the monotonic clock.
  let first: Int64
  /// From point to point, in nanoseconds.
  let interval: Int64
  /// The shortest window that may lie between two samples, in nanoseconds: a late sample skips the point right after it.
  let shortestWindow: Int64

  /// The first point that is far enough from the sample taken at `now`.
  func next(after now: Int64) -> Int64 {
    // Where windows are no longer than the shortest, a sample that is a little late skips nothing.
    let earliest = now + min(shortestWindow, interval - interval / 10)
    guard earliest > first else { return first }
    let (steps, rest) = (earliest - first).quotientAndRemainder(dividingBy: interval)
    return first + (rest == 0 ? steps : steps + 1) * interval
  }
}
