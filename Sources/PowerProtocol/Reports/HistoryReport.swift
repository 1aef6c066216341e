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
  public var json: JSON {
    let rows = rows.map { row in
      JSON.array([
        .number(row.unixSeconds), .number(row.seconds), .number(row.watts), .number(row.leastWatts),
        .number(row.mostWatts), .number(row.joules), .boolean(row.isAsleep),
      ])
    }
    return .object([
      (
        "history",
        .object([
          ("seconds", .integer(seconds)), ("columns", .array(Self.columns.map { .string($0) })), ("rows", .array(rows)),
        ])
      )
    ])
  }
}
