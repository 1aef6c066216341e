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
    let watts = try fields.number(.watts, in: Plausible.watts)
    let seconds = try fields.number(.timestamp, in: Plausible.unixSeconds)
    self.init(
      centiwatts: Int64(clamping: (watts * 100).rounded()),
      unixMilliseconds: Int64(clamping: (seconds * 1000).rounded()),
      status: try fields.decode(Status.self, forKey: .status))
  }
}
