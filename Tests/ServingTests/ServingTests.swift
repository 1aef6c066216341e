import Foundation
import Logging
import PowerProtocol
import PowerSources
import RAPL
import Synchronization
import Testing

@testable import PowerServer
@testable import Serving
@testable import Turbostat

/// What was logged.
final class Log: LogHandler, Sendable {
  let lines = Mutex<[String]>([])
  var logLevel: Logger.Level {
    get { .debug }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }
  func log(event: LogEvent) { lines.withLock { $0.append("\(event.level): \(event.message)") } }

  var logger: Logger { Logger(label: "test") { _ in self } }
  var all: [String] { lines.withLock { $0 } }
}

@Suite("What a service is told")
struct ServiceOptionsTests {
  private static func options(_ change: (inout ServiceOptions) -> Void) -> ServiceOptions {
    var options = ServiceOptions()
    change(&options)
    return options
  }

  @Test(
    "is refused where it makes no sense, by the option's name",
    arguments: [
      (options { $0.interval = 0 }, "interval"), (options { $0.interval = .nan }, "interval"),
      (options { $0.interval = 3601 }, "3600"), (options { $0.interval = 0.49 }, "--socket"),
      (options { $0.connectionsPerUser = 0 }, "--connections-per-user"),
      (options { $0.connectionsPerUser = 1_000_001 }, "--connections-per-user"), (options { $0.root = "" }, "--root"),
      (options { ($0.root, $0.source) = ("/x", .simulated) }, "--source simulated"),
      (options { ($0.root, $0.source) = ("/x", .turbostat) }, "--source turbostat"),
      (options { ($0.root, $0.source) = ("/x", .perf) }, "--source perf"),
      (options { $0.turbostat = "/x" }, "--source turbostat"),
      (options { ($0.isSealed, $0.source) = (true, .turbostat) }, "--seal"),
      (options { ($0.interval, $0.sockets, $0.source) = (0.1, ["/x"], .turbostat) }, "0.5 s"),
      (options { $0.sockets = ["/x", "/y", "/x"] }, "twice"),
    ] as [(ServiceOptions, String)])
  func refused(options: ServiceOptions, word: String) {
    #expect(options.flaw?.contains(word) == true, "\(options.flaw ?? "taken")")
  }

  @Test(
    "is taken otherwise, and a short interval makes the sockets private",
    arguments: [
      (options { _ in }, 0o666), (options { $0.interval = 0.5 }, 0o666), (options { $0.interval = 3600 }, 0o666),
      (options { ($0.interval, $0.sockets) = (0.001, ["/x"]) }, 0o600),
      (options { ($0.interval, $0.sockets) = (0.499, ["/x", "/y"]) }, 0o600),
      (options { ($0.root, $0.source) = ("/x", .powercap) }, 0o666),
      (options { ($0.turbostat, $0.source) = ("/x", .turbostat) }, 0o666),
    ] as [(ServiceOptions, UInt32)])
  func taken(options: ServiceOptions, mode: UInt32) {
    #expect(options.flaw == nil && options.socketMode == mode)
  }

  @Test("has to fit the watchdog, which hears of it once an interval at most")
  func watchdog() throws {
    let options = Self.options { $0.interval = 10 }
    try options.checkInterval(againstWatchdog: nil)
    try options.checkInterval(againstWatchdog: 20_000_000_000)
    let error = #expect(throws: ServeError.self) { try options.checkInterval(againstWatchdog: 19_999_999_999) }
    #expect("\(error, default: "")".contains("20.0 s or more"))
  }
}

@Suite("The places of the sockets")
struct SocketPlacesTests {
  private let folder = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
  private let log = Log()

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false) }

  private var wellKnown: SocketPlaces.WellKnown {
    .init(folder: folder + "/run", preferred: folder + "/run/s.sock", original: folder + "/tmp.sock")
  }

  private func places(_ paths: [String] = []) throws -> SocketPlaces {
    try SocketPlaces(paths, mode: 0o666, passed: [], owner: nil, wellKnown: wellKnown, logger: log.logger)
  }

  private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test("are both well-known ones, and nothing is left of them")
  func both() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let places = try places()
    #expect(places.files.map(\.path) == [wellKnown.preferred, wellKnown.original] && places.wanted.isEmpty)
    #expect(isThere(wellKnown.preferred) && isThere(wellKnown.original) && log.all == [])
    places.remove(log.logger)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test("are those asked for alone")
  func asked() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let places = try places([folder + "/a", folder + "/b"])
    #expect(places.files.map(\.path) == [folder + "/a", folder + "/b"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a", "b"])
    places.remove(log.logger)
  }

  @Test("leave nothing if one of them cannot be had")
  func none() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: SocketError.self) { try places([folder + "/a", folder + "/missing/b"]) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test("are the preferred one alone while somebody has the original, which is wanted still")
  func taken() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "precious".write(toFile: wellKnown.original, atomically: false, encoding: .utf8)
    let places = try places()
    #expect(places.files.map(\.path) == [wellKnown.preferred])
    #expect(places.wanted.map(\.path) == [wellKnown.original] && places.wanted.map(\.mode) == [0o666])
    #expect(log.all.count == 1 && log.all[0].contains("Serving only at \(wellKnown.preferred)"))
    places.remove(log.logger)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tmp.sock"])
    #expect(try String(contentsOfFile: wellKnown.original, encoding: .utf8) == "precious")
  }

  @Test("are the original one alone where the folder cannot be had: a link to one is not followed")
  func noFolder() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder + "/others", withIntermediateDirectories: false)
    #expect(symlink(folder + "/others", wellKnown.folder) == 0)
    let places = try places()
    #expect(places.files.map(\.path) == [wellKnown.original] && places.wanted.isEmpty)
    #expect(log.all.count == 1 && log.all[0].contains("Cannot serve in \(wellKnown.folder)"))
    places.remove(log.logger)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["others", "run"])
  }
}

@Suite("What the service manager hears")
struct ServiceReportTests {
  private static let second: Int64 = 1_000_000_000
  private let told = Told()
  private let log = Log()

  private final class Told: Sendable {
    let messages = Mutex<[[String]]>([])
    let ends = Mutex(0)
    let change = Mutex<Bool>(false)

    /// What was said since the last call.
    func take() -> [[String]] {
      messages.withLock { messages in
        defer { messages = [] }
        return messages
      }
    }
  }

  private func report(watchdogSeconds: Int64? = nil) -> ServiceReport {
    ServiceReport(
      watchdogNanoseconds: watchdogSeconds.map { $0 * Self.second },
      notify: { [told] message in
        told.messages.withLock { $0.append(message) }
        return 0
      }, change: { [told] in told.change.withLock { $0 } ? .newPackage(PackageID(package: 1)) : nil },
      end: { [told] in told.ends.withLock { $0 += 1 } }, logger: log.logger)
  }

  private func pulse(_ centiwatts: Int64?, clients: Int = 0, isAsleep: Bool = false) -> ServerPulse {
    ServerPulse(
      line: centiwatts.map { PowerLine(centiwatts: $0, unixMilliseconds: 0, status: .ok) }, clients: clients,
      isAsleep: isAsleep)
  }

  @Test("is the status each ten seconds, and only if it is another")
  func status() {
    let report = report()
    report.take(pulse(nil), at: 100 * Self.second)
    #expect(told.take() == [["STATUS=No reading yet; 0 clients."]])
    // The first reading is news at once.
    report.take(pulse(4250, clients: 1), at: 101 * Self.second)
    #expect(told.take() == [["STATUS=42.50 W (ok); 1 client."]])
    report.take(pulse(9900, clients: 2), at: 102 * Self.second)
    report.take(pulse(4250, clients: 1), at: 111 * Self.second)
    #expect(told.take() == [])
    report.take(pulse(4250, isAsleep: true), at: 121 * Self.second)
    #expect(told.take() == [["STATUS=42.50 W (ok); no client, so asleep."]])
  }

  @Test("is a sign of life each quarter of the watchdog's patience at the least")
  func watchdog() {
    let report = report(watchdogSeconds: 8)
    var signs = 0
    for tick in 0..<80 {
      report.take(pulse(100), at: (100 + Int64(tick)) * Self.second / 2 + 1000 * Self.second)
      signs += told.take().flatMap(\.self).count { $0 == "WATCHDOG=1" }
    }
    // 40 s, two seconds apart.
    #expect(signs == 20)
  }

  @Test("is the end, once, after the machine has become another")
  func change() {
    let report = report()
    report.take(pulse(100), at: 100 * Self.second)
    #expect(report.change == nil)
    told.change.withLock { $0 = true }
    for second in 101..<140 { report.take(pulse(100), at: Int64(second) * Self.second) }
    #expect(report.change == .newPackage(PackageID(package: 1)) && told.ends.withLock { $0 } == 1)
  }

  @Test(
    "is the end no sooner than ten seconds after the start, so that systemd's limit on starts is not reached by changes"
  )
  func earlyChange() {
    let report = report()
    told.change.withLock { $0 = true }
    report.take(pulse(nil), at: 100 * Self.second)
    for second in 101..<110 { report.take(pulse(100), at: Int64(second) * Self.second) }
    #expect(report.change == nil && told.ends.withLock { $0 } == 0)
    for second in 110...111 { report.take(pulse(100), at: Int64(second) * Self.second) }
    #expect(told.ends.withLock { $0 } == 1)
  }

  @Test("is how long the first reading may take, that it serves, and that it ends")
  func life() {
    let report = report()
    report.waiting(seconds: 3)
    report.ready()
    report.stopping()
    #expect(
      told.take() == [
        ["EXTEND_TIMEOUT_USEC=3000000", "STATUS=Waiting for the first reading."], ["READY=1", "STATUS=Serving."],
        ["STOPPING=1", "STATUS=Ending."],
      ])
  }
}

@Suite("The log of turbostat")
struct TurbostatLogTests {
  @Test("says each change once, and not each table")
  func changes() {
    let log = Log()
    let turbostat = TurbostatLog(log.logger)
    for _ in 0..<3 { turbostat.note(.rejected(.oneDie)) }
    for word in ["one", "two"] { turbostat.note(.said(word)) }
    turbostat.note(.ended(.exited(1), TurbostatParser.Tally(), restartSeconds: 5))
    let levels = log.all.map { $0.prefix { $0 != ":" } }
    #expect(levels == ["warning", "debug", "debug", "warning", "warning", "warning"])
    #expect(
      log.all.last?.contains(
        "exit code 1. It is started again in 5 s. The service is not ready until turbostat has given its first table")
        == true)
  }
}
