/// What the raw values of two counters have shown so far.
struct CounterPair {
  enum Verdict: Equatable {
    /// Too little to tell.
    case open
    case one
    case two
  }

  /// A round counts if the counter has advanced, since the one before, by this many times its advance within the round.
  static let tightness: Int64 = 16
  /// How many such rounds prove that it is one counter, if they leave no room for a second one.
  private static let proof = 16
  /// The room that counts as none, as a share of how far the counter has advanced.
  private static let room: Int64 = 65_536
  /// How many rounds prove that there are two counters, or speak against one. A single one may be an odd value, which AMD's mobile
  /// parts sometimes give.
  private static let disproof = 2

  private let range: CounterRange
  private var agreements = 0
  /// The number of rounds in which they were apart by as much as a late copy would be, and by more.
  private var lags = 0
  private var differences = 0
  /// The counter's value when a round last counted, and how far it has advanced since the first.
  private var counted: UInt64?
  private var moved: Int64 = 0
  /// How far the other may be behind or ahead, according to all rounds that counted.
  private var behind = Int64.min
  private var ahead = Int64.max

  init(range: CounterRange) { self.range = range }

  var verdict: Verdict {
    if differences >= Self.disproof { return .two }
    return !isApart && agreements >= Self.proof && ahead - behind <= moved / Self.room ? .one : .open
  }

  /// Whether it can no longer be proven that they are one.
  var isApart: Bool { lags >= Self.disproof }

  /// Takes a round: the value of one counter, then of the other, then of the first again. A value that could not be read, is 0, or
  /// was reset in between, tells nothing.
  ///
  /// - Parameter reach: how far apart a copy may be.
  mutating func take(_ first: UInt64?, _ between: UInt64?, _ last: UInt64?, reach: UInt64) {
    guard verdict == .open, let first = range.value(first), let between = range.value(between),
      let last = range.value(last)
    else { return }
    let width = range.step(from: first, to: last)
    // Otherwise it went backwards.
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
    // Without motion, two counters with the same value would look like one.
    let onward = range.step(from: counted, to: first)
    guard onward > 0, onward <= range.mostPlausible, width <= onward / UInt64(Self.tightness) else { return }
    agreements += 1
    self.counted = last
    moved = moved.addingReportingOverflow(Int64(clamping: onward)).partialValue
    ahead = min(ahead, Int64(clamping: offset))
    behind = max(behind, Int64(clamping: offset) - Int64(clamping: width))
  }

  /// One of them shows a value that the other passed so long ago that no copy would still show it.
  mutating func takeTooOld() { differences += 1 }
}

/// The number of values of a counter, and the distance between two of them.
struct CounterRange: Equatable {
  let count: UInt64

  init(_ count: UInt64) { self.count = max(count, 1) }

  /// More than any power explains in the time of a comparison.
  var mostPlausible: UInt64 { count / 64 }

  /// A usable value: AMD parts sometimes read 0.
  func value(_ value: UInt64?) -> UInt64? { value.flatMap { $0 != 0 && $0 < count ? $0 : nil } }

  /// The distance between two values, around the end of the range if that lies between them.
  func step(from start: UInt64, to end: UInt64) -> UInt64 {
    let (start, end) = (start % count, end % count)
    return end >= start ? end - start : count - start + end
  }
}

/// What a counter has shown, and by when: so that it is seen how old a value is that another one shows.
struct CounterTrail {
  /// What a copy shows when it moves may be so old, in nanoseconds.
  static let longestLag: Int64 = 20_000_000

  private let range: CounterRange
  /// Each value, and the time by which it was seen.
  private var values: [(value: UInt64, by: Int64)] = []
  /// When the latest reading began.
  private var lastReading: Int64 = 0

  init(range: CounterRange) { self.range = range }

  /// Takes in what was read between two times.
  ///
  /// - Returns: if it has moved, a time when it had not yet: however long it stood, what it shows now was true later than that.
  mutating func take(_ value: UInt64?, from start: Int64, by end: Int64) -> Int64? {
    guard let value = range.value(value) else { return nil }
    defer { lastReading = start }
    guard let latest = values.last else {
      values.append((value, end))
      return nil
    }
    let step = range.step(from: latest.value, to: value)
    guard step > 0, step <= range.mostPlausible else { return nil }
    values.append((value, end))
    return lastReading
  }

  /// Whether a value had been passed at a time.
  func hadPassed(_ value: UInt64?, by time: Int64) -> Bool {
    guard let value = range.value(value), let then = values.last(where: { $0.by <= time }) else { return false }
    let step = range.step(from: value, to: then.value)
    return step > 0 && step <= range.mostPlausible
  }
}
