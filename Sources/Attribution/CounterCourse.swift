/// Follows counters of CPU time that come and go.
struct CounterCourse<Key: Hashable & Sendable>: Sendable {
  private var before: [Key: Int64] = [:]

  /// What each counter has counted since the last call.
  ///
  /// A counter that went back has counted nothing, and goes on from there. No counter counts more than a limit, so that a
  /// damaged one cannot swallow all energy.
  ///
  /// - Parameters:
  ///   - now: the counters. Those that are missing are forgotten.
  ///   - isNew: whether a counter that was not there before began at 0 since the last call. If not, it only begins to be followed.
  mutating func advance(
    _ now: [(key: Key, microseconds: Int64)], most: Int64, isNew: (Int) -> Bool
  ) -> [Int64] {
    var after: [Key: Int64] = [:]
    after.reserveCapacity(now.count)
    let deltas = now.enumerated().map { index, counter in
      after[counter.key] = counter.microseconds
      let old = before[counter.key] ?? (isNew(index) ? 0 : counter.microseconds)
      let (delta, overflows) = counter.microseconds.subtractingReportingOverflow(old)
      return overflows ? 0 : min(max(delta, 0), most)
    }
    before = after
    return deltas
  }
}
