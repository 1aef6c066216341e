public import Formatting

/// The power of the past: the answer to `{"get": "history"}`.
public struct HistoryReport: Sendable, Equatable {
  /// A stretch of time.
  public struct Row: Sendable, Equatable {
    /// Its end, in seconds since 1970.
    public var unixSeconds: Double
    /// Its length, in seconds.
    public var seconds: Double
    /// The mean.
    public var watts: Double
    /// The least of its samples.
    public var leastWatts: Double
    /// The greatest of its samples.
    public var mostWatts: Double
    /// The energy in joules.
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

  /// The requested time, in seconds.
  public var seconds: Int
  /// The rows, oldest first.
  public var rows: [Row]

  /// A history.
  public init(seconds: Int, rows: [Row]) {
    self.seconds = seconds
    self.rows = rows
  }

  /// The names of a row's values, in order.
  static let columns = ["timestamp", "seconds", "watts", "min_watts", "max_watts", "joules", "asleep"]

  /// The answer as it is sent.
  public var json: JSON { json(rows) }

  /// The answer's line in pieces of a few rows, for a server that has other work between them.
  ///
  /// - Parameter piece: the index of the piece, from 0; nil after the last one.
  package func piece(_ piece: Int, ofRows count: Int) -> [UInt8]? {
    let first = piece * count
    if piece > 0 && first >= rows.count { return nil }
    let whole = json([]).line
    // An answer without rows ends with the closing brackets of the rows, the history and the answer.
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
        Answer.Kind.history.rawValue,
        .object([
          (CodingKeys.seconds.rawValue, .integer(seconds)),
          (CodingKeys.columns.rawValue, .array(Self.columns.map { .string($0) })),
          (CodingKeys.rows.rawValue, .array(rows.map(\.json))),
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

extension HistoryReport: Decodable {
  private enum CodingKeys: String, CodingKey {
    case seconds, columns, rows
  }

  /// Reads a history with its columns in any order.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let columns = try fields.decode([String].self, forKey: .columns)
    let places = try Self.columns.map { name in
      guard let place = columns.firstIndex(of: name) else {
        throw DecodingError.dataCorruptedError(
          forKey: .columns, in: fields, debugDescription: "there is no column \(name)")
      }
      return place
    }
    let rows = try fields.decode([[Cell]].self, forKey: .rows).map { cells in
      guard cells.count == columns.count else {
        throw DecodingError.dataCorruptedError(
          forKey: .rows, in: fields, debugDescription: "a row has the wrong number of values")
      }
      let values = places.map { cells[$0].number }
      for (value, (name, range)) in zip(values, zip(Self.columns, Self.plausible)) where !range.contains(value) {
        throw DecodingError.dataCorruptedError(
          forKey: .rows, in: fields, debugDescription: "\(value) is out of range for \(name)")
      }
      return Row(
        unixSeconds: values[0], seconds: values[1], watts: values[2], leastWatts: values[3], mostWatts: values[4],
        joules: values[5], isAsleep: values[6] != 0)
    }
    // A row whose length is rounded to 0 has no power.
    self.init(seconds: try fields.number(.seconds, in: Request.historySeconds), rows: rows.filter { $0.seconds > 0 })
  }

  /// The ranges of a row's values, in the order of `columns`.
  private static let plausible = [
    Plausible.unixSeconds, Plausible.windowSeconds, Plausible.watts, Plausible.watts, Plausible.watts,
    Plausible.joules, 0.0...1.0,
  ]

  /// A number, or true or false as 1 or 0.
  private struct Cell: Decodable {
    let number: Double

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let boolean = try? value.decode(Bool.self) {
        number = boolean ? 1 : 0
      } else {
        number = try value.decode(Double.self)
      }
    }
  }
}
