import Foundation
import Synchronization

/// Serves whatever a test wants at a socket of its own: a greeting, and an answer to each request by the word it holds.
final class FakeServer {
  let folder: TemporaryFolder
  let socket: String
  private let listener: Int32
  private let greeting: [String]
  private let answers: [String: String]
  private let nuisance: String?
  private let clients = Clients()

  private final class Clients: Sendable {
    let count = Mutex(0)
  }

  /// How many clients it serves now, as far as it has seen them go.
  var clientCount: Int { clients.count.withLock { $0 } }

  /// - Parameters:
  ///   - greeting: the lines that every client gets, unasked.
  ///   - answers: what is sent to a request that holds the key.
  ///   - nuisance: sent to every client twice a second after the greeting, without end.
  ///   - backlog: how many clients may wait; nobody lets them in if `isDeaf`, until it `hears`.
  init(
    greeting: [String] = [FakeServer.line], answers: [String: String] = [:], nuisance: String? = nil,
    backlog: Int32 = 16,
    isDeaf: Bool = false
  )
    throws
  {
    (self.greeting, self.answers, self.nuisance) = (greeting, answers, nuisance)
    folder = try TemporaryFolder()
    socket = folder.file("watts.sock")
    listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(listener, backlog) == 0 else { throw TestFailure("cannot serve at \(socket)") }
    chmod(socket, 0o666)
    if !isDeaf { hear() }
  }

  func hear() {
    let (served, greeting, answers, nuisance, clients) = (listener, greeting, answers, nuisance, clients)
    Thread.detachNewThread {
      while case let client = accept(served, nil, nil), client >= 0 {
        clients.count.withLock { $0 += 1 }
        Thread.detachNewThread {
          Self.serve(client, greeting, answers, nuisance)
          clients.count.withLock { $0 -= 1 }
        }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private static func serve(_ client: Int32, _ greeting: [String], _ answers: [String: String], _ nuisance: String?) {
    defer { close(client) }
    for line in greeting { send(line, to: client) }
    if let nuisance {
      while Glibc.send(client, nuisance, nuisance.utf8.count, Int32(MSG_NOSIGNAL)) >= 0 { usleep(500_000) }
      return
    }
    var received = ""
    var bytes = [UInt8](repeating: 0, count: 4096)
    while case let count = recv(client, &bytes, bytes.count, 0), count > 0 {
      received += String(decoding: bytes.prefix(count), as: UTF8.self)
      while let end = received.firstIndex(of: "\n") {
        let request = received[..<end]
        received = String(received[received.index(after: end)...])
        if let answer = answers.first(where: { request.contains("\"\($0.key)\"") })?.value { send(answer, to: client) }
      }
    }
  }

  private static func send(_ line: String, to client: Int32) {
    let bytes = Array((line + "\n").utf8)
    _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  static let line = #"{"power_watts": 42.5, "timestamp": 1700000000.5, "status": "ok"}"#

  static func info(
    interval: String = "1", shortest: String = "0.25", isTrusted: Bool = false, text: String = "words",
    package: String = "0"
  ) -> String {
    #"{"info": {"version": "\#(text)", "protocol": 2, "source": "\#(text)", "simulated": false, "interval_seconds": "#
      + #"\#(interval), "cpu": "\#(text)", "description": "\#(text)", "packages": [{"package": \#(package), "domains": "#
      + #"[{"domain": "package", "unit_joules": 6e-05, "unit_source": "\#(text)"}]}], "policy": {"trusted": \#(isTrusted), "#
      + #""trusted_group": "\#(text)", "shortest_interval_seconds": \#(shortest), "watts_resolution": 0.01, "#
      + #""joules_resolution": 0.01}}}"#
  }

  static func sample(
    watts: String = "42.5", joules: String = "100", window: String = "1", timestamp: String = "1700000000.5",
    monotonic: String = "1000", sequence: String = "1", status: String = "ok", reason: String = "null"
  ) -> String {
    #"{"sample": {"sequence": \#(sequence), "timestamp": \#(timestamp), "monotonic_seconds": \#(monotonic), "#
      + #""window_seconds": \#(window), "watts": \#(watts), "joules": \#(joules), "lower_bound": false, "status": "#
      + #""\#(status)", "reason": \#(reason), "rejected_readings": 0, "packages": [{"package": 0, "watts": 42.5, "joules": 100, "#
      + #""lower_bound": false, "domains": {}}], "service": {"cpu_seconds": 0.1, "wakeups": 3}}}"#
  }

  static func subscribed(_ interval: String = "0.25") -> String {
    #"{"subscribed": "sample", "interval_seconds": \#(interval)}"#
  }

  static func history(seconds: String = "1.0") -> String {
    #"{"history": {"seconds": 900, "columns": ["timestamp", "seconds", "watts", "min_watts", "max_watts", "joules", "asleep"], "#
      + #""rows": [[1700000000.5, \#(seconds), 42.5, 42.5, 42.5, 42.5, false]]}}"#
  }

  static func refusal(_ message: String, code: String = "not_allowed") -> String {
    #"{"error": {"code": "\#(code)", "message": "\#(message)"}}"#
  }

  /// A service that behaves, but for what is given.
  static func answers(
    info: String = FakeServer.info(), sample: String = FakeServer.sample(), history: String = FakeServer.history(),
    subscribe: String = FakeServer.subscribed()
  ) -> [String: String] {
    // "subscribe" first holds "sample" too.
    ["info": info, "get\": \"sample": sample, "history": history, "subscribe": subscribe + "\n" + sample]
  }
}

/// What the commands that ask a service are called with.
enum ClientCommand: String, CaseIterable {
  case read, readJSON, watchOnce, watchPiped, json, csv, prometheus, openmetrics, waybar, template, follow, run

  func arguments(_ socket: String) -> [String] {
    let command: [String] =
      switch self {
      case .read: ["read"]
      case .readJSON: ["read", "--json"]
      case .watchOnce: ["watch", "--once"]
      case .watchPiped: ["watch", "--interval", "1"]
      case .json, .csv, .prometheus, .openmetrics, .waybar: ["export", "--format", rawValue]
      case .template: ["export", "--format", "template", "--template", "{watts} {reason} {package0.joules}"]
      case .follow: ["export", "--format", "csv", "--follow"]
      case .run: ["run"]
      }
    return [Executables.service] + command + ["--socket", socket] + (self == .run ? ["--", "true"] : [])
  }

  /// Whether it asks for more than the lines of version 1.
  var asks: Bool { self != .read && self != .readJSON }
  /// Whether it goes on until something ends it.
  var goesOn: Bool { self == .watchPiped || self == .follow }
}
