internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// The power of the past, in bounded memory: a quarter of an hour in seconds, and a day in minutes.
struct PowerHistory {
  /// How far back the rows of a second reach, in seconds.
  static let fineSeconds = 900
  private static let fineRows = 900
  private static let coarseRows = 1440
  private static let minute: Int64 = 60_000_000_000
  /// A little less than a second, so that a window that is a little short still counts as one.
  private static let shortestRow: Int64 = 950_000_000

  fileprivate struct Row {
    /// On the clock that goes on while the machine sleeps, and that cannot be set.
    var end: Int64
    var endUnixNanoseconds: Int64
    var nanoseconds: Int64
    var joules: Double
    var leastWatts: Double
    var mostWatts: Double
    var isAsleep: Bool

    mutating func add(_ later: Row) {
      end = later.end
      endUnixNanoseconds = later.endUnixNanoseconds
      nanoseconds += later.nanoseconds
      joules += later.joules
      leastWatts = min(leastWatts, later.leastWatts)
      mostWatts = max(mostWatts, later.mostWatts)
      isAsleep = isAsleep || later.isAsleep
    }
  }

  /// Rows of one length, and the one that is not complete yet.
  private struct Tier {
    let most: Int
    private(set) var rows = CircularBuffer<Row>()
    private(set) var begun: Row?

    init(most: Int) { self.most = most }

    /// The rows that end later than a time.
    func rows(since: Int64) -> [Row] { (Array(rows) + (begun.map { [$0] } ?? [])).filter { $0.end > since } }

    mutating func add(_ row: Row) {
      if begun?.add(row) == nil { begun = row }
    }

    /// The row is complete: the next one begins.
    mutating func end() {
      guard let row = begun else { return }
      if rows.count == most { rows.removeFirst() }
      rows.append(row)
      begun = nil
    }
  }

  private var fine = Tier(most: fineRows)
  private var coarse = Tier(most: coarseRows)

  /// Adds a window.
  ///
  /// - Parameters:
  ///   - end: when it ended, in nanoseconds of the clock that goes on while the machine sleeps.
  ///   - asleep: whether it is the mean over a time without clients.
  mutating func add(_ window: PowerWindow, end: Int64, asleep: Bool) {
    let sample = window.sample
    let row = Row(
      end: end, endUnixNanoseconds: sample.endUnixNanoseconds, nanoseconds: sample.windowNanoseconds,
      joules: window.joules, leastWatts: sample.watts, mostWatts: sample.watts, isAsleep: asleep)
    addFine(row)
    addCoarse(row)
  }

  /// The latest seconds, rounded according to the policy.
  ///
  /// - Parameter now: on the clock that goes on while the machine sleeps, in nanoseconds.
  func report(seconds: Int, now: Int64, policy: Policy) -> HistoryReport {
    let tier = seconds <= Self.fineSeconds ? fine : coarse
    let round = Rounding(policy)
    let rows = tier.rows(since: now - Int64(seconds) * 1_000_000_000).map { $0.report(round) }
    return HistoryReport(seconds: seconds, rows: rows)
  }

  private mutating func addFine(_ row: Row) {
    if fine.begun?.isAsleep == !row.isAsleep { fine.end() }
    fine.add(row)
    if row.isAsleep || fine.begun?.nanoseconds ?? 0 >= Self.shortestRow { fine.end() }
  }

  private mutating func addCoarse(_ row: Row) {
    if let begun = coarse.begun, (begun.end - 1) / Self.minute != (row.end - 1) / Self.minute { coarse.end() }
    coarse.add(row)
  }
}

extension PowerHistory.Row {
  fileprivate func report(_ round: Rounding) -> HistoryReport.Row {
    HistoryReport.Row(
      unixSeconds: round.seconds(endUnixNanoseconds), seconds: round.seconds(nanoseconds),
      watts: round.watts(watts), leastWatts: round.watts(leastWatts), mostWatts: round.watts(mostWatts),
      joules: round.joules(joules), isAsleep: isAsleep)
  }

  /// The mean. Each package's energy has a time of its own, which differs a little from the row's, so that the quotient may lie
  /// outside of the windows' watts, which are made from these times.
  private var watts: Double {
    min(max(joules * 1e9 / Double(max(nanoseconds, 1)), leastWatts), mostWatts)
  }
}
