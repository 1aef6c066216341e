import Foundation
import Logging
import PowerServer
import PowerSources
import RAPL
import Synchronization
import Testing

@testable import Serving

@Suite("The choice of a source")
struct SourceChoiceTests {
  private let log = Log()

  @Test("is what is typed", arguments: SourceChoice.allCases)
  func names(choice: SourceChoice) {
    #expect(["auto", "msr", "passed", "perf", "powercap", "turbostat", "simulated"].contains(choice.rawValue))
  }

  @Test("opens that source, and no other")
  func opens() throws {
    let simulated = try #require(try SourceChoice.simulated.open(root: nil, logger: log.logger))
    #expect(simulated.name == "simulated" && simulated.source.isSimulated)
    #expect(try SourceChoice.turbostat.open(root: nil, logger: log.logger) == nil)
    for choice in [SourceChoice.msr, .powercap] {
      #expect(throws: NothingToMeasure.self, "\(choice)") { try choice.open(root: "/nowhere", logger: log.logger) }
    }
    #expect(log.all == [])
  }

  @Test("of any source never is a simulated one: it fails, with both reasons")
  func auto() throws {
    let error = #expect(throws: NothingToMeasure.self) {
      try SourceChoice.auto.open(root: "/nowhere", logger: log.logger)
    }
    #expect("\(error, default: "")".contains("/nowhere") && log.all == [])
  }
}

@Suite("What a service measures with")
struct MeasurementTests {
  private let log = Log()

  /// A program that may stand for turbostat.
  private func options(_ source: SourceChoice, turbostat: String? = nil, interval: Double = 1) -> ServiceOptions {
    var options = ServiceOptions()
    (options.source, options.turbostat, options.interval) = (source, turbostat, interval)
    return options
  }

  @Test("is a source that has been read once: the service is ready at once, and starts no program")
  func simulated() throws {
    let measurement = try Measurement(options(.simulated), logger: log.logger)
    guard case .energy(_, let name, let begun) = measurement else {
      Issue.record("not a source")
      return
    }
    #expect(name == "simulated" && !begun.readings.isEmpty)
    #expect(!measurement.hasChildren && measurement.firstReadingSeconds == nil)
    #expect(!measurement.missesNewPackages, "a simulated CPU has no new packages")
    #expect(measurement.summary.lowercased().contains("simulated"))
    try measurement.check(log.logger)
  }

  @Test("is turbostat otherwise, which may take an interval, and finds new packages itself")
  func turbostat() throws {
    let measurement = try Measurement(options(.turbostat, turbostat: "/bin/true", interval: 5), logger: log.logger)
    #expect(
      measurement.hasChildren && !measurement.missesNewPackages && measurement.counters(root: nil, passed: nil) == nil)
    #expect(measurement.summary.contains("/bin/true") && (measurement.firstReadingSeconds ?? 0) > 5)
    #expect(throws: (any Error).self) {
      try Measurement(options(.turbostat, turbostat: "/nowhere/turbostat"), logger: log.logger)
    }
  }

  @Test("serves at once if there is no program to wait for")
  func start() throws {
    let measurement = try Measurement(options(.simulated), logger: log.logger)
    let settings = ServerSettings(intervalSeconds: 1)
    let server = measurement.server(
      [], logger: log.logger, settings: settings, version: "0.1.0", watchdogNanoseconds: nil)
    defer { server.stop() }
    let isReady = Mutex(false)
    #expect(measurement.start(server, logger: log.logger) { isReady.withLock { $0 = true } } == nil)
    #expect(isReady.withLock { $0 })
  }

  @Test(
    "is read often enough for the watchdog, even if a message is lost, and each minute without one",
    arguments: [(nil, 60), (9_000_000_000, 3)] as [(Int64?, Double)])
  func sleep(watchdog: Int64?, seconds: Double) throws {
    let measurement = try Measurement(options(.simulated), logger: log.logger)
    let settings = measurement.settings(
      ServerSettings(intervalSeconds: 1), version: "0.1.0", watchdogNanoseconds: watchdog)
    #expect(settings.longestSleepSeconds == seconds)
    #expect(settings.description.source == "simulated" && settings.description.version == "0.1.0")
  }

  @Test("gives turbostat its interval and a second for a table")
  func patience() throws {
    let measurement = try Measurement(options(.turbostat, turbostat: "/bin/true", interval: 5), logger: log.logger)
    let settings = measurement.settings(
      ServerSettings(intervalSeconds: 5), version: "0.1.0", watchdogNanoseconds: nil)
    #expect(settings.patienceSeconds >= 6 && settings.description.source == "turbostat")
  }
}
