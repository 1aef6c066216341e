/// That a request was not served, as a client reads it.
public struct Refusal: Error, Sendable, Equatable {
  /// The kind, for programs: one of `RequestError`'s codes, or one of a newer service.
  public var code: String
  /// The reason, for people.
  public var message: String

  /// A refusal.
  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

extension Refusal: Decodable {
  private enum CodingKeys: String, CodingKey {
    case code, message
  }

  /// Reads why a request was not served.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(code: try fields.text(.code), message: try fields.text(.message))
  }
}
