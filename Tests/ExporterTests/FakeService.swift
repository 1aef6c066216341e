import Formatting
import Foundation
import PowerProtocol
import Synchronization

/// A service at a socket of its own, as a client sees it: it answers requests as it is told to.
final class FakeService: Sendable {
  let path: String
  private let listener: Int32
  private let answer: @Sendable (Request) -> JSONLine
  private let clients = Mutex<[Int32]>([])
  /// How many connections there were.
  let connections = Mutex(0)

  /// Lines that are sent, and whether the connection ends then.
  typealias JSONLine = (lines: [[UInt8]], ends: Bool)

  init(at path: String? = nil, _ answer: @escaping @Sendable (Request) -> JSONLine) throws {
    self.path = path ?? "/tmp/pkg-watt-stat-exporter-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    self.answer = answer
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: self.path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(listener, 8) == 0 else { throw CocoaError(.fileWriteUnknown) }
    Thread.detachNewThread { [listener, weak self] in
      while case let client = accept(listener, nil, nil), client >= 0 {
        guard let self else { return }
        connections.withLock { $0 += 1 }
        clients.withLock { $0.append(client) }
        Thread.detachNewThread { [answer] in Self.serve(client, answer) }
      }
    }
  }

  /// Ends every connection, and lets nobody in any more.
  func end() {
    unlink(path)
    shutdown(listener, Int32(SHUT_RDWR))
    clients.withLock { $0.forEach { shutdown($0, Int32(SHUT_RDWR)) } }
  }

  deinit {
    end()
    close(listener)
  }

  private static func serve(_ client: Int32, _ answer: (Request) -> JSONLine) {
    defer { close(client) }
    var received: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 4096)
    while case let count = recv(client, &bytes, bytes.count, 0), count > 0 {
      received += bytes[..<count]
      while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        guard let request = try? Request(parsing: received[..<end]) else { return }
        received.removeSubrange(...end)
        let (lines, ends) = answer(request)
        for line in lines { _ = send(client, line, line.count, Int32(MSG_NOSIGNAL)) }
        if ends { return }
      }
    }
  }

  /// What a service with this description and sample answers. A subscription begins with so many samples.
  static func answer(
    _ request: Request, info: ServiceInfo = Examples.info, sample: SampleReport = Examples.sample, samples: Int = 0,
    interval: Double = 1, ends: Bool = false
  ) -> JSONLine {
    switch request {
    case .info: ([info.json.line], false)
    case .sample, .freshSample: ([sample.json.line], false)
    case .history: ([Examples.history.json.line], false)
    case .limits: ([LimitsReport(unixSeconds: 0, monotonicSeconds: 0, source: nil, packages: []).json.line], false)
    case .subscribe:
      (
        [Subscription(intervalSeconds: interval).json.line]
          + [[UInt8]](repeating: sample.json.line, count: samples), ends
      )
    case .unsubscribe: ([Subscription(intervalSeconds: nil).json.line], false)
    }
  }
}
