extension HistoryReport: Decodable {
  private enum CodingKeys: String, CodingKey {
    case seconds, columns, rows
  }

  /// Reads a history by its columns, whatever their order.
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
        throw DecodingError.dataCorruptedError(forKey: .rows, in: fields, debugDescription: "a row is not as wide")
      }
      let values = places.map { cells[$0].number }
      for (value, (name, range)) in zip(values, zip(Self.columns, Self.plausible)) where !range.contains(value) {
        throw DecodingError.dataCorruptedError(
          forKey: .rows, in: fields, debugDescription: "\(value) is out of reason for \(name)")
      }
      return Row(
        unixSeconds: values[0], seconds: values[1], watts: values[2], leastWatts: values[3], mostWatts: values[4],
        joules: values[5], isAsleep: values[6] != 0)
    }
    // A row that is rounded to no time at all has no power.
    self.init(seconds: try fields.number(.seconds, in: Request.historySeconds), rows: rows.filter { $0.seconds > 0 })
  }

  /// What the values of a row can be, in the order of `columns`.
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
