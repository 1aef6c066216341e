/// What a counter has shown, and by when: so that it is seen how old a value is that another one shows.
struct CounterTrail {
  /// What a copy shows when it moves may be so old, in nanoseconds.
  static let longestLag: Int64 = 20_000_000

  private let range: CounterRange
  /// Each value, and the time by which it was seen.
  private var values: [(value: UInt64, by: Int64)] = []
  /// When the latest look began.
  private var looked: Int64 = 0

  init(range: CounterRange) { self.range = range }

  /// Takes in what was read between two times.
  ///
  /// - Returns: if it has moved, a time when it had not yet: however long it stood, what it shows now was true later than that.
  mutating func take(_ value: UInt64?, from start: Int64, by end: Int64) -> Int64? {
    guard let value = range.value(value) else { return nil }
    defer { looked = start }
    guard let latest = values.last else {
      values.append((value, end))
      return nil
    }
    let step = range.step(from: latest.value, to: value)
    guard step > 0, step <= range.mostPlausible else { return nil }
    values.append((value, end))
    return looked
  }

  /// Whether a value had been passed at a time.
  func hadPassed(_ value: UInt64?, by time: Int64) -> Bool {
    guard let value = range.value(value), let then = values.last(where: { $0.by <= time }) else { return false }
    let step = range.step(from: value, to: then.value)
    return step > 0 && step <= range.mostPlausible
  }
}
