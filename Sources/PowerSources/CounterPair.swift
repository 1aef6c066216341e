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
  /// How many rounds prove that there are two, or speak against one. A single one may be an odd value, as AMD's mobile parts
  /// read now and then.
  private static let disproof = 2

  private let range: CounterRange
  private var agreements = 0
  /// Rounds in which they were apart by what a copy that is behind would be too, and by more.
  private var lags = 0
  private var differences = 0
  /// Where the counter was when a round last counted, and how far it has gone on since the first.
  private var counted: UInt64?
  private var moved: Int64 = 0
  /// How far the other may be behind or ahead, by all rounds that counted.
  private var behind = Int64.min
  private var ahead = Int64.max

  init(range: CounterRange) { self.range = range }

  var verdict: Verdict {
    if differences >= Self.disproof { return .two }
    return !isApart && agreements >= Self.proof && ahead - behind <= moved / Self.room ? .one : .open
  }

  /// Whether it is not to be proven any more that they are one.
  var isApart: Bool { lags >= Self.disproof }

  /// Takes in a round: what one shows, then the other, then the one again. Whatever could not be read, or is 0, or was reset
  /// meanwhile, tells nothing.
  ///
  /// - Parameter reach: how far a copy may be apart.
  mutating func take(_ first: UInt64?, _ between: UInt64?, _ last: UInt64?, reach: UInt64) {
    guard verdict == .open, let first = range.value(first), let between = range.value(between),
      let last = range.value(last)
    else { return }
    let width = range.step(from: first, to: last)
    // Otherwise it has gone back.
    guard width <= range.mostPlausible else { return }
    let offset = range.step(from: first, to: between)
    guard offset <= width else {
      if min(offset - width, range.count - offset) > reach { differences += 1 } else { lags += 1 }
      return
    }
    guard let counted else {
      self.counted = last
      return
    }
    // Without motion, two that stand at one value would pass for one.
    let onward = range.step(from: counted, to: first)
    guard onward > 0, onward <= range.mostPlausible, width <= onward / UInt64(Self.tightness) else { return }
    agreements += 1
    self.counted = last
    moved = moved.addingReportingOverflow(Int64(clamping: onward)).partialValue
    ahead = min(ahead, Int64(clamping: offset))
    behind = max(behind, Int64(clamping: offset) - Int64(clamping: width))
  }

  /// One of them shows what the other was past so long ago that no copy would show it.
  mutating func takeTooOld() { differences += 1 }
}

/// How many values a counter has, and what lies between two of them.
struct CounterRange: Equatable {
  let count: UInt64

  init(_ count: UInt64) { self.count = max(count, 1) }

  /// More than any power explains, for as long as one is looked at.
  var mostPlausible: UInt64 { count / 64 }

  /// A value that tells something: an AMD part reads 0 now and then.
  func value(_ value: UInt64?) -> UInt64? { value.flatMap { $0 != 0 && $0 < count ? $0 : nil } }

  /// From value to value, around the end of the range if that lies between them.
  func step(from start: UInt64, to end: UInt64) -> UInt64 {
    let (start, end) = (start % count, end % count)
    return end >= start ? end - start : count - start + end
  }
}
