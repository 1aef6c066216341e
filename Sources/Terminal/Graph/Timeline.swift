internal import PowerProtocol

/// What was drawn, stretch by stretch, without overlaps: a day of minutes, and all samples of the last quarter of an hour.
struct Timeline: Sendable {
  typealias Row = HistoryReport.Row

  /// How long each sample is kept, in seconds; then they become minutes.
  static let fineSeconds = 900.0
  /// How long minutes are kept, in seconds.
  static let keptSeconds = 86_400.0
  /// The most samples that are kept, however short they are.
  static let mostFine = 20_000

  /// Oldest first.
  private var minutes: [Row] = []
  private var fine: [Row] = []

  /// Nothing drawn yet.
  init() {}

  /// The latest stretch.
  var last: Row? { fine.last ?? minutes.last }

  /// All stretches that end after a time, oldest first.
  func rows(after unixSeconds: Double) -> [Row] {
    Array(Self.suffix(minutes, after: unixSeconds) + Self.suffix(fine, after: unixSeconds))
  }

  /// Adds a new sample. It takes the place of what was known of the same time; one that begins within a stretch is left out.
  mutating func append(_ row: Row) {
    guard row.isPlausible else { return }
    while let last = fine.last, row.covers(last) { fine.removeLast() }
    while fine.isEmpty, let last = minutes.last, row.covers(last) { minutes.removeLast() }
    if let last, last.unixSeconds > row.start + min(row.tolerance, last.tolerance) { return }
    fine.append(row)
    compact()
  }

  /// Takes in what the service knows, oldest first. Where both know something, the service's is kept: it covers the time
  /// before the connection.
  mutating func merge(_ history: [Row]) {
    let known = minutes + fine
    self = Timeline()
    for row in Self.joined(known, history.filter(\.isPlausible)) { append(row) }
  }

  /// The older rows up to where the newer ones begin, and then these; no row is split.
  private static func joined(_ older: [Row], _ newer: [Row]) -> [Row] {
    guard let first = newer.first, let last = newer.last else { return older }
    let before = older.filter { $0.start < first.start - $0.tolerance }
    let end = before.last?.unixSeconds ?? -.infinity
    let between = newer.filter { $0.start >= end - $0.tolerance }
    return before + between + older.filter { $0.start >= last.unixSeconds - $0.tolerance }
  }

  /// Rows are in order, so what is wanted is at the end.
  private static func suffix(_ rows: [Row], after unixSeconds: Double) -> ArraySlice<Row> {
    var first = rows.endIndex
    while first > rows.startIndex, rows[first - 1].unixSeconds > unixSeconds { first -= 1 }
    return rows[first...]
  }

  /// Makes minutes of samples that have become old: many at once, so that it costs little for each.
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
  /// Its begin, in seconds since 1970.
  var start: Double { unixSeconds - seconds }
  /// How far stretches that follow each other may seem to overlap: clocks are stamped, not measured.
  var tolerance: Double { seconds / 4 }

  /// Whether an earlier stretch begins in this one.
  func covers(_ earlier: Self) -> Bool { earlier.start >= start - min(tolerance, earlier.tolerance) }

  /// What no service says; numbers that would make arithmetic trap or a graph meaningless.
  var isPlausible: Bool {
    seconds > 0 && seconds < 1e6 && abs(unixSeconds) < 1e11
      && [watts, leastWatts, mostWatts, joules].allSatisfy { $0 >= 0 && $0 < 1e15 }
  }

  /// Both as one, where they lie in the same minute and follow each other; else nil.
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
