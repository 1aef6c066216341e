import Exporter
import Formats
import Foundation
import PowerProtocol
import Synchronization

/// A service that answers as a test wants it.
final class ScriptedService: PowerService {
  struct Unavailable: Error, CustomStringConvertible {
    let description = "No service answers."
  }

  private let isThere = Mutex(true)
  private let gate = Mutex<DispatchSemaphore?>(nil)
  /// Signalled for each time that it was let go of.
  let released = DispatchSemaphore(value: 0)

  func isThere(_ now: Bool) { isThere.withLock { $0 = now } }

  /// From now on an observation waits for this to be signalled; nil: no longer.
  func wait(for gate: DispatchSemaphore?) { self.gate.withLock { $0 = gate } }

  /// How often it was observed.
  let observations = Mutex(0)

  func observe(units: Bool) throws -> Observation {
    observations.withLock { $0 += 1 }
    gate.withLock { $0 }?.wait()
    guard isThere.withLock({ $0 }) else { throw Unavailable() }
    return Examples.observation
  }

  /// How many seconds of history were asked for, each time.
  var histories: [Int] { asked.withLock { $0 } }
  private let asked = Mutex<[Int]>([])

  func history(seconds: Int) throws -> HistoryReport {
    asked.withLock { $0.append(seconds) }
    gate.withLock { $0 }?.wait()
    guard isThere.withLock({ $0 }) else { throw Unavailable() }
    return Examples.history
  }

  func disconnect() { released.signal() }
}

/// An exporter of it, on a port that is free.
final class RunningExporter {
  let service = ScriptedService()
  let address: ListenAddress
  private let server: ExporterServer

  init(_ adjust: (inout ExporterSettings) -> Void = { _ in }) throws {
    var settings = ExporterSettings(version: "0.1.0")
    adjust(&settings)
    server = ExporterServer(service, at: ListenAddress(port: 0), settings: settings)
    address = try server.start()
  }

  deinit {
    try? server.stop()
  }

  func client() throws -> HTTPClient { try HTTPClient(address) }

  /// One request on a connection of its own.
  func get(_ path: String, _ headers: String...) throws -> HTTPClient.Response {
    let client = try client()
    client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
    return try client.response()
  }
}
