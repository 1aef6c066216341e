/// Why a request of protocol version 2 is not served.
public enum RequestError: String, Sendable {
  /// The service does not know such a request.
  case unknownRequest = "unknown_request"
  /// The request has no end within 4,096 bytes; the connection is closed.
  case requestTooLong = "request_too_long"

  /// The answer as it is sent: one JSON object and a newline.
  public var encoded: [UInt8] {
    let message =
      switch self {
      case .unknownRequest: "This version of the service answers no requests; it sends readings unasked."
      case .requestTooLong: "A request may be 4096 bytes long; this connection is closed."
      }
    return Array(#"{"error": {"code": "\#(rawValue)", "message": "\#(message)"}}"#.utf8) + [UInt8(ascii: "\n")]
  }
}
