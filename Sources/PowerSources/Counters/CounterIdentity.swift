internal import CMSRShim
package import RAPL

/// Finds out which of several names lead to the same energy counter, so that none is counted twice.
///
/// Hypervisors, dies and the kernel's lists give one counter several names. Only raw values show it: those of one counter, read
/// in turn, always lie between each other. Equal increments prove nothing, because two idle packages advance alike. A name may be
/// a copy that follows a little later: its values are then not between the others, but never older than that. So two are
/// different only if they are too far apart for a copy, or become so.
enum CounterIdentity {
  /// Two counters that may be one; their values do not tell.
  struct Unsettled: Error, Equatable {
    let one: Int
    let other: Int
  }

  /// A counter, for the comparison with others.
  struct Counter {
    /// The range of its values. Counters of different ranges are not compared.
    let range: CounterRange
    /// If it moves in steps: its values before and after a step.
    var step: (before: UInt64, behind: UInt64)?
    /// Whether it will show no other value, as a captured one: then the one value decides.
    var isSnapshot = false

    init(range: UInt64, step: (before: UInt64, behind: UInt64)? = nil, isSnapshot: Bool = false) {
      self.range = CounterRange(range)
      self.step = step
      self.isSnapshot = isSnapshot
    }

    /// How far a copy may be from it: a few steps, or more than any power explains.
    func reach(at value: UInt64?) -> UInt64 {
      if isSnapshot { return 0 }
      guard let step, let value = range.value(value) else { return range.mostPlausible }
      // It may have advanced by a larger step since.
      let known = max(range.step(from: step.before, to: step.behind), range.step(from: step.behind, to: value))
      return known > range.mostPlausible / 4 ? range.mostPlausible : 4 * known
    }
  }

  /// A counter that may be the same as the one that it is compared with.
  private struct Suspect {
    let index: Int
    var pair: CounterPair
    var trail: CounterTrail
  }

  /// How long counters that may be one are observed, in nanoseconds: two whose powers differ by a hundredth are certainly apart
  /// by then.
  private static let patienceNanoseconds: Int64 = 5_000_000_000
  /// On a busy machine there is more time, in nanoseconds, until they have been read this often.
  private static let leastPauses = 20
  private static let longestDelayNanoseconds: Int64 = 2_000_000_000
  /// How often all are read at first. Different counters have nearly always shown it by then.
  private static let sweeps = 3

  /// For each counter the first one that is the same: itself, unless an earlier one is.
  ///
  /// If all are far apart it takes three reads of each, so a few microseconds; if some are the same or close, some tens of
  /// milliseconds.
  ///
  /// - Parameters:
  ///   - read: the present raw value of the counter at an index; nil if it cannot be read.
  ///   - pause: waits for this many nanoseconds; false once there is no more time.
  /// - Throws: if two look like one, and have not proven it in that time.
  static func firsts(
    _ counters: [Counter], read: (Int) -> UInt64?, pause: (_ nanoseconds: Int64) -> Bool,
    now: () -> Int64 = { cmsr_monotonic_nanoseconds() }
  ) throws(Unsettled) -> [Int] {
    var firsts = Array(counters.indices)
    guard counters.count > 1 else { return firsts }
    let swept = (0..<sweeps).map { _ in counters.indices.map(read) }
    for one in counters.indices where firsts[one] == one {
      let range = counters[one].range
      var suspects: [Suspect] = []
      for other in counters.indices where other > one && firsts[other] == other && counters[other].range == range {
        var pair = CounterPair(range: range)
        for sweep in 1..<sweeps {
          let (first, between, last) = (swept[sweep - 1][one], swept[sweep - 1][other], swept[sweep][one])
          pair.take(
            first, between, last, reach: max(counters[one].reach(at: last), counters[other].reach(at: between)))
        }
        if pair.verdict != .two {
          suspects.append(Suspect(index: other, pair: pair, trail: CounterTrail(range: range)))
        }
      }
      var trail = CounterTrail(range: range)
      let begin = now()
      var shortest = Int64.max
      while let doubtful = suspects.first {
        let start = now()
        let first = read(one)
        let values = suspects.map { read($0.index) }
        let last = read(one)
        let end = now()
        let moved = trail.take(first, from: start, by: end)
        for (index, value) in zip(suspects.indices, values) {
          let reach = max(counters[one].reach(at: last), counters[suspects[index].index].reach(at: value))
          suspects[index].pair.take(first, value, last, reach: reach)
          let otherMoved = suspects[index].trail.take(value, from: start, by: end)
          if let otherMoved, trail.hadPassed(value, by: otherMoved - CounterTrail.longestLag) {
            suspects[index].pair.takeTooOld()
          } else if let moved, suspects[index].trail.hadPassed(first, by: moved - CounterTrail.longestLag) {
            suspects[index].pair.takeTooOld()
          }
          if suspects[index].pair.verdict == .one { firsts[suspects[index].index] = one }
        }
        suspects.removeAll { $0.pair.verdict != .open }
        // Long enough for the counter to go on by much more than while it is read; not so often to see them drift. A round
        // that other programs have interrupted is not worth a longer wait: the next one may be short again.
        shortest = min(shortest, end - start)
        let least: Int64 = suspects.allSatisfy(\.pair.isApart) ? 5_000_000 : 500_000
        let wait = max(least, shortest * (CounterPair.tightness + 4), (end - begin) / 512)
        if !suspects.isEmpty, !pause(wait) { throw Unsettled(one: one, other: doubtful.index) }
      }
    }
    return firsts
  }

  /// The same for the counters of packages, read now.
  ///
  /// - Returns: those that are the same as an earlier one.
  static func repeated(
    of packages: [PackageID], _ counters: [Counter], patienceNanoseconds: Int64 = patienceNanoseconds,
    read: (Int) -> UInt64?
  ) throws(SourceError) -> [RepeatedCounter] {
    let end = cmsr_monotonic_nanoseconds() + patienceNanoseconds
    var pauses = 0
    do {
      let firsts = try firsts(counters, read: read) { wait in
        let next = cmsr_monotonic_nanoseconds() + wait
        pauses += 1
        guard next < end || pauses < leastPauses && next < end + longestDelayNanoseconds else { return false }
        cmsr_sleep_until(next)
        return true
      }
      return firsts.indices.filter { firsts[$0] != $0 }.map { index in
        RepeatedCounter(package: packages[index], first: packages[firsts[index]])
      }
    } catch {
      throw .doubtfulCounters(packages[error.one], packages[error.other])
    }
  }
}

/// A package that shows the counter of another one.
package struct RepeatedCounter: Equatable, Sendable, CustomStringConvertible {
  /// The package.
  package let package: PackageID
  /// The package whose counter it is.
  package let first: PackageID

  /// The repetition in one sentence.
  package var description: String { "\(package) shows the same energy counter as \(first), so it is not read." }
}
