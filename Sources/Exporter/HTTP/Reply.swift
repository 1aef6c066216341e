internal import Formatting
internal import Glibc
internal import NIOCore
internal import NIOHTTP1

/// An answer to a request.
struct Reply: Sendable {
  var status: HTTPResponseStatus = .ok
  var type = "text/plain; charset=utf-8"
  var headers: [(String, String)] = []
  var body: ByteBuffer

  init(_ status: HTTPResponseStatus, _ text: String, headers: [(String, String)] = []) {
    self.status = status
    self.headers = headers
    body = ByteBuffer(string: text + "\n")
  }

  init(type: String, _ body: ByteBuffer) {
    self.type = type
    self.body = body
  }

  init(_ status: HTTPResponseStatus = .ok, _ json: JSON) {
    self.status = status
    type = "application/json"
    body = ByteBuffer(bytes: json.line)
  }

  /// An error of the service, in the protocol's form.
  init(_ error: any Error) {
    let error = JSON.object([("code", .string("unavailable")), ("message", .string("\(error)"))])
    self.init(.serviceUnavailable, .object([("error", error)]))
  }

  /// The head, with headers that tell a browser to keep the page private.
  ///
  /// - Parameter version: the client's.
  func head(keepsAlive: Bool, to version: HTTPVersion) -> HTTPResponseHead {
    var fields = HTTPHeaders([
      ("Date", httpDate(time(nil))), ("Content-Type", type), ("Content-Length", "\(body.readableBytes)"),
      ("Cache-Control", "no-store"),
      (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
          + "form-action 'none'; frame-ancestors 'none'"
      ), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Resource-Policy", "same-origin"),
    ])
    for (name, value) in headers { fields.add(name: name, value: value) }
    if !keepsAlive {
      fields.add(name: "Connection", value: "close")
    } else if version == .http1_0 {
      // Such a client assumes the opposite.
      fields.add(name: "Connection", value: "keep-alive")
    }
    return HTTPResponseHead(version: .http1_1, status: status, headers: fields)
  }
}

/// A time in the format of HTTP: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). The program sets no locale: names are English.
func httpDate(_ time: time_t) -> String {
  var time = time
  var parts = unsafe tm()
  unsafe gmtime_r(&time, &parts)
  var text = [CChar](repeating: 0, count: 64)
  let length = unsafe strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
  return String(decoding: text.prefix(length).map(UInt8.init), as: UTF8.self)
}
