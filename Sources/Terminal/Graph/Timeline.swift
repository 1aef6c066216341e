internal import PowerProtocol

/// Measured power as stretches of time without overlaps: a day of minutes, and all samples of the last quarter of an hour.
struct Timeline: Sendable {
  typealias Row = HistoryReport.Row

  /// How long each sample is kept, in seconds; after that it becomes part of a minute.
  static let fineSeconds = 900.0
  /// How long minutes are kept, in seconds.
  static let keptSeconds = 86_400.0
  /// The most samples that are kept, however short they are.
  static let mostFine = 20_000

  /// The stretches, oldest first.
  private var minutes: [Row] = []
  private var fine: [Row] = []

  /// An empty timeline.
  init() {}

  /// The latest stretch.
  var last: Row? { fine.last ?? minutes.last }

  /// All stretches that end after a time, oldest first.
  func rows(after unixSeconds: Double) -> [Row] {
    Array(Self.suffix(minutes, after: unixSeconds) + Self.suffix(fine, after: unixSeconds))
  }

  /// Adds a new sample. It replaces stretches of the same time. A sample that begins within a stretch is ignored.
  mutating func append(_ row: Row) {
    guard row.isPlausible else { return }
    while let last = fine.last, row.covers(last) { fine.removeLast() }
    while fine.isEmpty, let last = minutes.last, row.covers(last) { minutes.removeLast() }
    if let last, last.unixSeconds > row.start + min(row.tolerance, last.tolerance) { return }
    fine.append(row)
    compact()
  }

  /// Adds the service's history, oldest first. It replaces stretches of the same time, because it also covers the time before
  /// the connection.
  mutating func merge(_ history: [Row]) {
    let known = minutes + fine
    self = Timeline()
    for row in Self.joined(known, history.filter(\.isPlausible)) { append(row) }
  }

  /// The older rows up to the beginning of the newer ones, and then these; no row is split.
  private static func joined(_ older: [Row], _ newer: [Row]) -> [Row] {
    guard let first = newer.first, let last = newer.last else { return older }
    let before = older.filter { $0.start < first.start - $0.tolerance }
    let end = before.last?.unixSeconds ?? -.infinity
    let between = newer.filter { $0.start >= end - $0.tolerance }
    return before + between + older.filter { $0.start >= last.unixSeconds - $0.tolerance }
  }

  /// Rows are in order, so those after a time are at the end.
  private static func suffix(_ rows: [Row], after unixSeconds: Double) -> ArraySlice<Row> {
    var first = rows.endIndex
    while first > rows.startIndex, rows[first - 1].unixSeconds > unixSeconds { first -= 1 }
    return rows[first...]
  }

  /// Joins samples that have become old into minutes: many at once, so that each costs little.
  private mutating func compact() {
    guard let last = fine.last, let first = fine.first else { return }
    let isOld = first.unixSeconds < last.unixSeconds - Self.fineSeconds - 60
    guard isOld || fine.count > Self.mostFine else { return }
    let old = fine.prefix { $0.unixSeconds < last.unixSeconds - Self.fineSeconds }
    let moved = fine.prefix(max(old.count, fine.count - Self.mostFine * 3 / 4))
    for row in moved {
      if let minute = minutes.last, let merged = minute.merged(with: row) {
        minutes[minutes.endIndex - 1] = merged
      } else {
        minutes.append(row)
      }
    }
    fine.removeFirst(moved.count)
    minutes.removeFirst(minutes.prefix { $0.unixSeconds < last.unixSeconds - Self.keptSeconds }.count)
  }
}

extension HistoryReport.Row {
  /// Its start, in seconds since 1970.
  var start: Double { unixSeconds - seconds }
  /// How far neighbouring stretches may seem to overlap, because timestamps come from the wall clock.
  var tolerance: Double { seconds / 4 }

  /// Whether an earlier stretch begins in this one.
  func covers(_ earlier: Self) -> Bool { earlier.start >= start - min(tolerance, earlier.tolerance) }

  /// Refuses numbers that no service sends, which would make arithmetic trap or a graph meaningless.
  var isPlausible: Bool {
    seconds > 0 && seconds < 1e6 && abs(unixSeconds) < 1e11
      && [watts, leastWatts, mostWatts, joules].allSatisfy { $0 >= 0 && $0 < 1e15 }
  }

  /// Both as one, if they lie in the same minute and follow each other; else nil.
  func merged(with next: Self) -> Self? {
    let isSameMinute = (unixSeconds / 60).rounded(.up) == (next.unixSeconds / 60).rounded(.up)
    let gap = next.start - unixSeconds
    guard isSameMinute, isAsleep == next.isAsleep, gap < next.tolerance else { return nil }
    let length = seconds + next.seconds
    return Self(
      unixSeconds: next.unixSeconds, seconds: length,
      watts: (watts * seconds + next.watts * next.seconds) / length, leastWatts: min(leastWatts, next.leastWatts),
      mostWatts: max(mostWatts, next.mostWatts), joules: joules + next.joules, isAsleep: isAsleep)
  }
}
