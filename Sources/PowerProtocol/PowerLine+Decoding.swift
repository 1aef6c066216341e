internal import RAPL

extension PowerLine: Decodable {
  private enum CodingKeys: String, CodingKey {
    case watts = "power_watts"
    case timestamp
    case status
  }

  /// Reads a line back, whatever the order of its fields; unknown fields are left alone.
  ///
  /// - Throws: `DecodingError` for a missing field, a wrong type, an unknown status, or numbers out of reason.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let watts = try fields.decode(Double.self, forKey: .watts)
    let seconds = try fields.decode(Double.self, forKey: .timestamp)
    guard watts >= 0, watts < 1e15 else {
      throw DecodingError.dataCorruptedError(forKey: .watts, in: fields, debugDescription: "\(watts) is no power")
    }
    guard abs(seconds) < 1e12 else {
      throw DecodingError.dataCorruptedError(forKey: .timestamp, in: fields, debugDescription: "\(seconds) is no time")
    }
    self.init(
      centiwatts: Int64(clamping: (watts * 100).rounded()),
      unixMilliseconds: Int64(clamping: (seconds * 1000).rounded()),
      status: try fields.decode(Status.self, forKey: .status))
  }
}
