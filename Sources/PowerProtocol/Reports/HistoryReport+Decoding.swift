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
      return Row(
        unixSeconds: values[0], seconds: values[1], watts: values[2], leastWatts: values[3], mostWatts: values[4],
        joules: values[5], isAsleep: values[6] != 0)
    }
    self.init(seconds: try fields.decode(Int.self, forKey: .seconds), rows: rows)
  }

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
