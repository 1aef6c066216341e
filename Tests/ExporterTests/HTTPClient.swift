import Exporter
import Foundation

/// A connection over loopback that sends bytes as they are.
final class HTTPClient {
  struct Response {
    var status = 0
    var headers: [String: String] = [:]
    var body = ""
  }

  private let descriptor: Int32
  private var received: [UInt8] = []

  init(_ address: ListenAddress) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(address.port).bigEndian
    name.sin_addr.s_addr = inet_addr(address.host)
    let connected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure(what: "cannot connect") }
  }

  deinit { close(descriptor) }

  struct Failure: Error {
    let what: String
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Says that nothing more is sent.
  func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// A whole request.
  func request(_ line: String, _ headers: String...) {
    send("\(line) HTTP/1.1\r\nHost: localhost\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
  }

  /// The next response; that to HEAD has no body.
  func response(toHead: Bool = false) throws -> Response {
    let end = Array("\r\n\r\n".utf8)
    while received.firstRange(of: end) == nil { try receive() }
    guard let head = received.firstRange(of: end) else { throw Failure(what: "no head") }
    let lines = String(decoding: received[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    received.removeSubrange(..<head.upperBound)
    var response = Response(status: Int(lines[0].split(separator: " ")[1]) ?? 0)
    for line in lines.dropFirst() {
      let sides = line.split(separator: ":", maxSplits: 1)
      response.headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
    }
    let length = toHead ? 0 : Int(response.headers["content-length"] ?? "") ?? 0
    while received.count < length { try receive() }
    response.body = String(decoding: received.prefix(length), as: UTF8.self)
    received.removeFirst(length)
    return response
  }

  /// Whether something has arrived that was not read yet.
  var hasArrived: Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return !received.isEmpty || poll(&waited, 1, 0) > 0
  }

  /// Whether the server closes in that time, with nothing more to say.
  func isClosed(milliseconds: Int32 = 20_000) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waited, 1, milliseconds) > 0 else { return false }
    do {
      try receive()
      return false
    } catch {
      return (error as? Failure)?.what == "closed"
    }
  }

  private func receive() throws {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { throw Failure(what: count == 0 || errno == ECONNRESET ? "closed" : "nothing came") }
    received += bytes[..<count]
  }
}
