import Foundation
import PowerProtocol
import PowerSources
import Synchronization
import Testing

@testable import PowerServer
@testable import Privileges
@testable import ServiceManager
@testable import Serving

@Suite("The life of a service", .serialized)
struct ServiceRunTests {
  private let folder = NSTemporaryDirectory() + "pkg-watt-stat-run-" + UUID().uuidString
  private let log = Log()
  private var path: String { folder + "/watts.sock" }

  private struct Refused: Error {}

  /// The steps, in the order in which they were taken.
  private final class Steps: Sendable {
    let all = Mutex<[String]>([])
    func note(_ step: String) { all.withLock { $0.append(step) } }
  }

  private let steps = Steps()

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false) }

  private func run(_ change: (inout ServiceOptions) -> Void = { _ in }) -> ServiceRun {
    var options = ServiceOptions()
    options.source = .simulated
    options.sockets = [path]
    change(&options)
    var run = ServiceRun(options, version: "0.1.0", logger: log.logger)
    run.system = ServiceSystem(
      prepare: { [steps] _ in steps.note("prepare") },
      blockSignals: { [steps] in steps.note("block") },
      passed: { [steps] in
        steps.note("sockets of the manager")
        return ([], [])
      },
      notifier: { [steps] in
        steps.note("manager")
        return try ServiceNotifier()
      },
      drop: { [steps, path] _, keep in
        steps.note("drop, keeping \(keep), socket \(isSocket(path) ? "bound" : "missing"), \(threads()) more threads")
        return ["a warning"]
      },
      waitForEnd: { [steps, path] in
        steps.note("wait, \(line(of: path) == nil ? "silent" : "serving")")
        return SIGTERM
      })
    return run
  }

  private func remains() throws -> [String] {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try FileManager.default.contentsOfDirectory(atPath: folder)
  }

  @Test("gives up rights after its sockets are bound and before it serves, and leaves nothing behind")
  func order() throws {
    threadsBefore = threadCount()
    try run().serve()
    #expect(
      steps.all.withLock { $0 } == [
        "prepare", "sockets of the manager", "manager", "block", "drop, keeping own, socket bound, 0 more threads",
        "wait, serving",
      ])
    #expect(try remains() == [])
    let said = log.all.filter { !$0.hasPrefix("debug") }
    #expect(said.map { $0.prefix { $0 != ":" } } == ["warning", "info", "info", "info"], "\(said)")
    #expect(said[2].contains(path) && said[3].contains("\(SIGTERM)"))
  }

  @Test("keeps no right at all if it is sealed")
  func sealed() throws {
    try run { $0.isSealed = true }.serve()
    #expect(steps.all.withLock { $0 }.contains { $0.hasPrefix("drop, keeping nothing") })
    #expect(try remains() == [])
  }

  @Test("does not serve if it cannot give up its rights, and removes its socket")
  func noDrop() throws {
    var run = run()
    run.system.drop = { _, _ in throw Refused() }
    #expect(throws: Refused.self) { try run.serve() }
    #expect(try remains() == [] && !steps.all.withLock { $0 }.contains { $0.hasPrefix("wait") })
  }

  @Test("opens nothing if the process cannot be prepared, or the watchdog is too short for the interval")
  func early() throws {
    var unprepared = run()
    unprepared.system.prepare = { _ in throw ServeError.openFiles(errno: EPERM) }
    #expect(throws: ServeError.self) { try unprepared.serve() }
    var impatient = run { ($0.interval, $0.root, $0.source) = (10, "/nowhere", .msr) }
    impatient.system.notifier = { ServiceNotifier(descriptor: nil, watchdogNanoseconds: 15_000_000_000) }
    let error = #expect(throws: ServeError.self) { try impatient.serve() }
    guard case .watchdogTooShort? = error else {
      Issue.record("another error")
      return
    }
    #expect(try remains() == [])
  }

  @Test("only finds out whether the machine can be measured, and binds and drops nothing")
  func check() throws {
    #expect(try run().check().contains("imulated"))
    #expect(throws: NothingToMeasure.self) { try run { ($0.source, $0.root) = (.msr, "/nowhere") }.check() }
    #expect(!steps.all.withLock { $0 }.contains { $0.hasPrefix("drop") })
    #expect(try remains() == [])
  }
}

/// How many threads this process had before a service was started.
private nonisolated(unsafe) var threadsBefore = 0

private func threadCount() -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
}

private func threads() -> Int { max(threadCount() - threadsBefore, 0) }

private func isSocket(_ path: String) -> Bool {
  var file = stat()
  return stat(path, &file) == 0 && file.st_mode & S_IFMT == S_IFSOCK
}

/// The first line that a service at a path sends.
private func line(of path: String) -> String? {
  let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(client) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let connected = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  var bytes = [UInt8](repeating: 0, count: 1024)
  guard connected == 0, case let count = recv(client, &bytes, bytes.count, 0), count > 0 else { return nil }
  return String(decoding: bytes[..<count], as: UTF8.self)
}
