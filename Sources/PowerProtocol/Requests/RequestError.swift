public import Formatting

/// Why a request of protocol version 2 was refused.
public enum RequestError: Error, Sendable, Equatable {
  /// The line is not one flat JSON object, and why.
  case invalidJSON(String)
  /// There is no such request, and why.
  case unknownRequest(String)
  /// A member has the wrong type or is out of range: the member, and its range.
  case invalidValue(String)
  /// The interval is too short for everyone; the shortest allowed one, and the group whose members may ask for more.
  case notAllowed(seconds: Double, shortest: Double, group: String?)
  /// Not everyone may ask for a fresh window; the group whose members may.
  case freshNotAllowed(group: String?)
  /// Nothing was measured yet.
  case noReading
  /// Too many long answers are on their way.
  case busy
  /// The request is longer than 4,096 bytes; the connection is closed.
  case requestTooLong

  /// The kind, for programs.
  public var code: String {
    switch self {
    case .invalidJSON: "invalid_json"
    case .unknownRequest: "unknown_request"
    case .invalidValue: "invalid_value"
    case .notAllowed, .freshNotAllowed: "not_allowed"
    case .noReading: "no_reading"
    case .busy: "busy"
    case .requestTooLong: "request_too_long"
    }
  }

  /// The answer as it is sent.
  public var json: JSON {
    let members: [(String, JSON)] = [
      (Refusal.CodingKeys.code.rawValue, .string(code)), (Refusal.CodingKeys.message.rawValue, .string("\(self)")),
    ]
    return .object([(Answer.Kind.error.rawValue, .object(members))])
  }
}

extension RequestError: CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .invalidJSON(let why): "A request must be one flat JSON object on one line: \(why)."
    case .unknownRequest(let what):
      "\(what). The requests are {\"get\": \"info\"}, {\"get\": \"sample\"}, {\"get\": \"history\", \"seconds\": N}, "
        + "{\"get\": \"limits\"} and {\"subscribe\": \"sample\", \"interval_seconds\": N} or {\"subscribe\": \"none\"}."
    case .invalidValue(let what): "\(what)."
    case .notAllowed(let seconds, let shortest, let group):
      "Only root\(group.map { " and members of the group \($0)" } ?? "") may ask for an interval of \(seconds) s; everyone may "
        + "ask for \(shortest) s or more."
    case .freshNotAllowed(let group):
      "Only root\(group.map { " and members of the group \($0)" } ?? "") may ask for a fresh window; everyone may ask for the latest "
        + "public window with {\"get\": \"sample\"}."
    case .noReading: "There is no reading yet; the service's log says why."
    case .busy: "Too many long answers to this user are on their way; ask again in a moment."
    case .requestTooLong: "A request must not be longer than 4096 bytes; the connection is closed."
    }
  }
}

/// The error with which a service refused a request, as a client reads it.
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
  fileprivate enum CodingKeys: String, CodingKey {
    case code, message
  }

  /// Reads why a request was not served.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(code: try fields.text(.code), message: try fields.text(.message))
  }
}
