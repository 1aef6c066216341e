/// What a counter has shown, and by when: so that it is seen how old a value is that another one shows.
struct CounterTrail {
  /// A copy may be behind for so long, in nanoseconds, even if it moves more often: it may be made of copies.
  private static let shortestLag: Int64 = 20_000_000
  /// How many changes have to be seen, so that it was seen standing from one to the next.
  private static let fewestChanges = 2

  private let range: CounterRange
  /// Each value, the time before which it was not seen, and that by which it was.
  private var values: [(value: UInt64, from: Int64, by: Int64)] = []
  private var longestStand: Int64 = 0

  init(range: CounterRange) { self.range = range }

  /// Takes in what was read between two times.
  mutating func take(_ value: UInt64?, from start: Int64, by end: Int64) {
    guard let value = range.value(value) else { return }
    guard let latest = values.last else {
      values.append((value, start, end))
      return
    }
    let step = range.step(from: latest.value, to: value)
    guard step > 0, step <= range.mostPlausible else { return }
    longestStand = max(longestStand, end - latest.from)
    values.append((value, start, end))
  }

  /// How long a copy may be behind if these two are one: as long as it stands, and a quarter more, since what it shows was
  /// true when it last moved. nil as long as they have not been seen to move often enough.
  static func longestLag(_ one: Self, _ other: Self) -> Int64? {
    guard one.values.count > fewestChanges, other.values.count > fewestChanges else { return nil }
    return max(shortestLag, max(one.longestStand, other.longestStand) / 4 * 5)
  }

  /// Whether a value had been passed at a time.
  func hadPassed(_ value: UInt64?, by time: Int64) -> Bool {
    guard let value = range.value(value), let then = values.last(where: { $0.by <= time }) else { return false }
    let step = range.step(from: value, to: then.value)
    return step > 0 && step <= range.mostPlausible
  }
}
