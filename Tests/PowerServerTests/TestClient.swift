import Formatting
import Foundation
import PowerProtocol

struct TestFailure: Error, CustomStringConvertible {
  let description: String
}

/// A raw connection, for what a good client never does as well.
final class TestClient {
  let descriptor: Int32
  private var buffered: [UInt8] = []

  /// - Parameter peer: who the kernel is to take it for; needs root, without whom everybody is nobody.
  init(_ path: String, as peer: Peer = .itself) throws {
    descriptor = try Peer.connecting(as: peer) { try Self.connection(to: path) }
  }

  private static func connection(to path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw TestFailure(description: "cannot connect: \(errno)") }
    return descriptor
  }

  deinit { close(descriptor) }

  /// What one `recv` gives; nil where nothing comes in time, empty at the end.
  func receive(most: Int = 65_536, milliseconds: Int32 = 10_000) -> [UInt8]? {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var arrived = poll(&polled, 1, milliseconds)
    // Another thread's client has become another user, which interrupts every thread.
    while arrived < 0 && errno == EINTR { arrived = poll(&polled, 1, milliseconds) }
    guard arrived > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: most)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(count, 0)))
  }

  /// The next line, by reads of so many bytes; nil at the end of the stream.
  func text(most: Int = 65_536) throws -> String? {
    while true {
      if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffered[..<end], as: UTF8.self)
        buffered.removeFirst(end + 1)
        return line
      }
      guard let more = receive(most: most) else { throw TestFailure(description: "no line in 10 s") }
      if more.isEmpty { return nil }
      buffered += more
    }
  }

  func line() throws -> PowerLine {
    guard let text = try text() else { throw TestFailure(description: "the server closed the connection") }
    return try JSONDecoder().decode(PowerLine.self, from: Data(text.utf8))
  }

  /// What has arrived already; nil where that is no whole line.
  func arrived() throws -> Answer? {
    while true {
      if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(buffered[..<end])
        buffered.removeFirst(end + 1)
        return try JSONDecoder().decode(Answer.self, from: line)
      }
      guard let more = receive(milliseconds: 0), !more.isEmpty else { return nil }
      buffered += more
    }
  }

  /// The next answer; lines of version 1 are passed over.
  func answer() throws -> Answer {
    while true {
      guard let text = try text() else { throw TestFailure(description: "the server closed the connection") }
      let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
      if case .line = answer { continue }
      return answer
    }
  }

  func ask(_ request: Request) throws -> Answer {
    write(request.json.text + "\n")
    return try answer()
  }

  func sample(_ request: Request = .sample()) throws -> SampleReport {
    guard case .sample(let sample) = try ask(request) else { throw TestFailure(description: "no sample") }
    return sample
  }

  /// Whether the server has closed the connection.
  func ended() -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(POLLHUP), revents: 0)
    return poll(&polled, 1, 0) > 0 && polled.revents & Int16(POLLHUP) != 0
  }

  func write(_ text: String) { _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
  func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
}
