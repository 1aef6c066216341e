import Foundation

/// What a service manager hears notifications by.
final class NotificationSocket {
  let path: String
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    guard isBound else { throw TestFailure("cannot bind \(path)") }
  }

  /// The next message.
  func message(seconds: Double = 10) throws -> String {
    let (whole, part) = (seconds.rounded(.down), seconds.truncatingRemainder(dividingBy: 1))
    var limit = timeval(tv_sec: Int(whole), tv_usec: Int(part * 1e6))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var bytes = [UInt8](repeating: 0, count: 1000)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { throw TestFailure("nothing was told") }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  deinit { close(descriptor) }
}
