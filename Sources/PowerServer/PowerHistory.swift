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

  private var fine = CircularBuffer<Row>()
  private var coarse = CircularBuffer<Row>()
  private var second: Row?
  private var begunMinute: Row?

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
    let isFine = seconds <= Self.fineSeconds
    let begun = isFine ? second : begunMinute
    let since = now - Int64(seconds) * 1_000_000_000
    let round = Rounding(policy)
    var rows: [HistoryReport.Row] = []
    for row in isFine ? fine : coarse where row.end > since { rows.append(row.report(round)) }
    if let begun, begun.end > since { rows.append(begun.report(round)) }
    return HistoryReport(seconds: seconds, rows: rows)
  }

  private mutating func addFine(_ row: Row) {
    if let begun = second, begun.isAsleep != row.isAsleep {
      keepSecond(begun)
    }
    var begun = row
    if let earlier = second {
      begun = earlier
      begun.add(row)
    }
    second = begun
    if begun.isAsleep || begun.nanoseconds >= Self.shortestRow { keepSecond(begun) }
  }

  private mutating func keepSecond(_ row: Row) {
    if fine.count == Self.fineRows { fine.removeFirst() }
    fine.append(row)
    second = nil
  }

  private mutating func addCoarse(_ row: Row) {
    guard var begun = begunMinute else {
      begunMinute = row
      return
    }
    if (begun.end - 1) / Self.minute == (row.end - 1) / Self.minute {
      begun.add(row)
      begunMinute = begun
    } else {
      if coarse.count == Self.coarseRows { coarse.removeFirst() }
      coarse.append(begun)
      begunMinute = row
    }
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
