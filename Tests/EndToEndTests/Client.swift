import Foundation

/// One reading, as any client's JSON library sees it.
struct Reading: Decodable, Equatable {
  let power_watts: Double
  let timestamp: Double
  let status: String
}

/// A connection that reads as the known clients do.
final class Client {
  private let descriptor: Int32
  private var buffered = Data()

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw TestFailure("cannot connect to \(path): \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(descriptor)
  }

  /// One `recv`, as clients do it; nil where nothing comes in time, empty at the end of the stream.
  func receive(most: Int = 1024, seconds: Double = 10) -> Data? {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, Int32(seconds * 1000)) > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: most)
    let count = recv(descriptor, &bytes, most, 0)
    return Data(bytes.prefix(max(count, 0)))
  }

  /// The next whole line, without its newline.
  func line(seconds: Double = 10) throws -> String {
    while true {
      if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffered[..<end]
        buffered = Data(buffered[(end + 1)...])
        return String(decoding: line, as: UTF8.self)
      }
      guard let more = receive(seconds: seconds) else { throw TestFailure("no line within \(seconds) s") }
      guard !more.isEmpty else { throw TestFailure("the service closed the connection") }
      buffered += more
    }
  }

  func reading() throws -> Reading {
    try JSONDecoder().decode(Reading.self, from: Data(line().utf8))
  }

  func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  func endWriting() {
    shutdown(descriptor, Int32(SHUT_WR))
  }
}
