internal import CMSRShim
package import RAPL

/// Which of several names lead to one energy counter: so that none is counted twice.
///
/// Hypervisors, dies and the kernel's lists give one counter several names. Only raw values tell: those of one counter, read in
/// turn, lie between each other, however often they are read. Equal increments prove nothing: two idle packages advance alike.
enum CounterIdentity {
  /// Two counters of which nobody can tell whether they are one.
  struct Unsettled: Error, Equatable {
    let one: Int
    let other: Int
  }

  /// How long counters that look like one may take to show it, in nanoseconds: a counter updates about every millisecond.
  private static let patienceNanoseconds: Int64 = 1_000_000_000
  /// How often all are read to begin with. Counters that are two have shown it by then, nearly always.
  private static let sweeps = 3

  /// For each counter the first one that it is: itself, unless an earlier one is the same.
  ///
  /// Takes three reads of each where all are different ones, so a few microseconds; some tens of milliseconds where some are one.
  ///
  /// - Parameters:
  ///   - ranges: how many values each counter has. Counters of different ranges are not compared.
  ///   - read: the raw value now, of the counter at an index; nil if it cannot be read.
  ///   - pause: waits a little, given how long the latest reads took, in nanoseconds; false once there is no more time.
  /// - Throws: two that look like one, and have not moved often enough to prove it.
  static func firsts(
    ranges: [UInt64], read: (Int) -> UInt64?, pause: (_ tookNanoseconds: Int64) -> Bool,
    now: () -> Int64 = { cmsr_monotonic_nanoseconds() }
  ) throws(Unsettled) -> [Int] {
    var firsts = Array(ranges.indices)
    guard ranges.count > 1 else { return firsts }
    let swept = (0..<sweeps).map { _ in ranges.indices.map(read) }
    for one in ranges.indices where firsts[one] == one {
      var pairs: [(other: Int, pair: CounterPair)] = []
      for other in ranges.indices where other > one && firsts[other] == other && ranges[other] == ranges[one] {
        var pair = CounterPair(range: ranges[one])
        for sweep in 1..<sweeps {
          pair.take(swept[sweep - 1][one], swept[sweep - 1][other], swept[sweep][one])
          pair.take(swept[sweep - 1][other], swept[sweep][one], swept[sweep][other])
        }
        if pair.verdict != .two { pairs.append((other, pair)) }
      }
      while let doubtful = pairs.first {
        let start = now()
        let first = read(one)
        let values = pairs.map { read($0.other) }
        let last = read(one)
        for index in pairs.indices {
          pairs[index].pair.take(first, values[index], last)
          if pairs[index].pair.verdict == .one { firsts[pairs[index].other] = one }
        }
        pairs.removeAll { $0.pair.verdict != .open }
        if !pairs.isEmpty, !pause(now() - start) { throw Unsettled(one: one, other: doubtful.other) }
      }
    }
    return firsts
  }

  /// The same of the counters of packages, read now.
  ///
  /// - Returns: those that are an earlier one's.
  static func repeated(
    of packages: [PackageID], ranges: [UInt64], patienceNanoseconds: Int64 = patienceNanoseconds,
    read: (Int) -> UInt64?
  ) throws(SourceError) -> [RepeatedCounter] {
    let end = cmsr_monotonic_nanoseconds() + patienceNanoseconds
    do {
      let firsts = try firsts(ranges: ranges, read: read) { took in
        // Long enough for the counter to go on by much more than while it is looked at.
        let next = cmsr_monotonic_nanoseconds() + max(500_000, took * (CounterPair.tightness + 4))
        guard next < end else { return false }
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
  /// Which.
  package let package: PackageID
  /// Whose counter it is.
  package let first: PackageID

  /// One sentence.
  package var description: String { "\(package) shows the energy counter of \(first) again, so it is not read." }
}

/// What the raw values of two counters have shown so far.
struct CounterPair {
  enum Verdict: Equatable {
    /// Not enough has been seen.
    case open
    case one
    case two
  }

  /// A round is worth something if the counter has gone on by so many times what it went on in the round, since the one before.
  static let tightness: Int64 = 16
  /// How many such rounds prove that it is one counter, once they leave no room for another one beside it.
  private static let proof = 16
  /// The room that is none, as a share of how far the counter has gone on.
  private static let room: Int64 = 65_536
  /// How many rounds that contradict it prove that there are two. One may be an odd value, as AMD's mobile parts read now and
  /// then.
  private static let disproof = 2

  private let range: UInt64
  private var agreements = 0
  private var contradictions = 0
  /// Where the counter was when a round last counted, and how far it has gone on since the first.
  private var counted: UInt64?
  private var moved: Int64 = 0
  /// How far the other may be behind or ahead, by all rounds that counted.
  private var behind = Int64.min
  private var ahead = Int64.max

  init(range: UInt64) { self.range = max(range, 1) }

  var verdict: Verdict {
    if contradictions >= Self.disproof { return .two }
    return agreements >= Self.proof && ahead - behind <= moved / Self.room ? .one : .open
  }

  /// Takes in a round: what one shows, then the other, then the one again. Whatever could not be read, or is 0, or was reset
  /// meanwhile, tells nothing.
  mutating func take(_ first: UInt64?, _ between: UInt64?, _ last: UInt64?) {
    guard verdict == .open, let first, let between, let last, first != 0, between != 0, last != 0,
      max(first, between, last) < range
    else { return }
    let width = step(first, last)
    // More than any power explains, for as long as a round may take: it has gone back.
    guard width <= range / 64 else { return }
    let offset = step(first, between)
    guard offset <= width else {
      contradictions += 1
      return
    }
    guard let counted else {
      self.counted = last
      return
    }
    // Without motion, two that stand at one value would pass for one.
    let onward = step(counted, first)
    guard onward > 0, onward <= range / 64, width <= onward / UInt64(Self.tightness) else { return }
    agreements += 1
    self.counted = last
    moved = moved.addingReportingOverflow(Int64(clamping: onward)).partialValue
    ahead = min(ahead, Int64(clamping: offset))
    behind = max(behind, Int64(clamping: offset) - Int64(clamping: width))
  }

  /// From value to value, around the end of the range if that lies between them.
  private func step(_ start: UInt64, _ end: UInt64) -> UInt64 { end >= start ? end - start : range - start + end }
}
