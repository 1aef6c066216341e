public import Formatting

/// Why a request of protocol version 2 is not served.
public enum RequestError: Error, Sendable, Equatable {
  /// The line is not one flat JSON object: what is wrong with it.
  case invalidJSON(String)
  /// There is no such request: what is wrong with it.
  case unknownRequest(String)
  /// A member has the wrong type, or is out of range: which, and what it may be.
  case invalidValue(String)
  /// An interval that is not for everybody, the shortest that is, and the group whose members may ask for more.
  case notAllowed(seconds: Double, shortest: Double, group: String?)
  /// A fresh window is not for everybody, and the group whose members may ask for one.
  case freshNotAllowed(group: String?)
  /// Nothing was measured yet.
  case noReading
  /// Too many long answers are on their way.
  case busy
  /// The request has no end within 4,096 bytes; the connection is closed.
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
    case .invalidJSON(let why): "A request is one flat JSON object on one line; \(why)."
    case .unknownRequest(let what):
      "\(what); there are {\"get\": \"info\"}, {\"get\": \"sample\"}, {\"get\": \"history\", \"seconds\": N} and "
        + "{\"subscribe\": \"sample\", \"interval_seconds\": N} or {\"subscribe\": \"none\"}."
    case .invalidValue(let what): "\(what)."
    case .notAllowed(let seconds, let shortest, let group):
      "An interval of \(seconds) s is for root\(group.map { " and members of the group \($0)" } ?? "") only; everybody may "
        + "ask for \(shortest) s or more."
    case .freshNotAllowed(let group):
      "A fresh window is for root\(group.map { " and members of the group \($0)" } ?? "") only; everybody gets the latest "
        + "public window by {\"get\": \"sample\"}."
    case .noReading: "Nothing has been measured yet; the service's log says why."
    case .busy: "Too many long answers are on their way already; ask again in a moment."
    case .requestTooLong: "A request may be 4096 bytes long; this connection is closed."
    }
  }
}

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
  fileprivate enum CodingKeys: String, CodingKey {
    case code, message
  }

  /// Reads why a request was not served.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(code: try fields.text(.code), message: try fields.text(.message))
  }
}
