public import Formatting

/// What was drawn lately: the answer to `{"get": "history"}`.
public struct HistoryReport: Sendable, Equatable {
  /// A stretch of time.
  public struct Row: Sendable, Equatable {
    /// Its end, in seconds since 1970.
    public var unixSeconds: Double
    /// How long it was, in seconds.
    public var seconds: Double
    /// The mean.
    public var watts: Double
    /// The least of its samples.
    public var leastWatts: Double
    /// The most of its samples.
    public var mostWatts: Double
    /// What was drawn.
    public var joules: Double
    /// Whether the service slept, so that there is only a mean for each of its own wakeups.
    public var isAsleep: Bool

    /// A row.
    public init(
      unixSeconds: Double, seconds: Double, watts: Double, leastWatts: Double, mostWatts: Double, joules: Double,
      isAsleep: Bool
    ) {
      self.unixSeconds = unixSeconds
      self.seconds = seconds
      self.watts = watts
      self.leastWatts = leastWatts
      self.mostWatts = mostWatts
      self.joules = joules
      self.isAsleep = isAsleep
    }
  }

  /// How far back was asked for, in seconds.
  public var seconds: Int
  /// Oldest first.
  public var rows: [Row]

  /// A history.
  public init(seconds: Int, rows: [Row]) {
    self.seconds = seconds
    self.rows = rows
  }

  /// What the values of a row are, in order.
  static let columns = ["timestamp", "seconds", "watts", "min_watts", "max_watts", "joules", "asleep"]

  /// The answer as it is sent.
  public var json: JSON { json(rows) }

  /// The answer's line in pieces of so many rows: each at the cost of its own rows, for one who has other things to do too.
  ///
  /// - Parameter piece: which, from 0; nil behind the last one.
  package func piece(_ piece: Int, ofRows count: Int) -> [UInt8]? {
    let first = piece * count
    if piece > 0 && first >= rows.count { return nil }
    let whole = json([]).line
    // The answer without rows ends with the brackets of these, of the history and of the answer.
    let tail = Array("]}}\n".utf8)
    var bytes = piece == 0 ? Array(whole.dropLast(tail.count)) : Array(", ".utf8)
    let rows = rows.dropFirst(first).prefix(count)
    bytes += rows.map { $0.json.text }.joined(separator: ", ").utf8
    if first + count >= self.rows.count { bytes += tail }
    return bytes
  }

  private func json(_ rows: [Row]) -> JSON {
    .object([
      (
        "history",
        .object([
          ("seconds", .integer(seconds)), ("columns", .array(Self.columns.map { .string($0) })),
          ("rows", .array(rows.map(\.json))),
        ])
      )
    ])
  }
}

extension HistoryReport.Row {
  fileprivate var json: JSON {
    .array([
      .number(unixSeconds), .number(seconds), .number(watts), .number(leastWatts), .number(mostWatts), .number(joules),
      .boolean(isAsleep),
    ])
  }
}
