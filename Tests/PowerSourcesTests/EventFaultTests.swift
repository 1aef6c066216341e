import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

@Suite("The kernel's energy events at fault")
struct EventFaultTests {
  private static func error(_ reading: EnergyReading) -> String {
    if case .failed(let error) = reading.outcome { "\(error)" } else { "" }
  }

  @Test("that are never scheduled are refused, rather than taken for a counter that stands still")
  func neverScheduled() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    script.state.withLock { $0.share = 0 }
    let error = #expect(throws: SourceError.self) { try folder.source(script) }
    let text = "\(error, default: "")"
    #expect(text.contains("of package 0 are not counting (time_running stands still)"), "\(text)")
  }

  @Test("that are scheduled for a part of the time never give watts, which would be too few", arguments: [0.5, 0.9])
  func scheduledInTurn(share: Double) throws {
    let (script, folder) = (EventScript(), try EventFolder())
    script.state.withLock { $0.share = share }
    var source = try folder.source(script)
    var meter = PowerMeter(start: source.read())
    for _ in 0..<5 {
      usleep(60_000)
      let snapshot = source.read()
      for reading in snapshot.readings {
        #expect(Self.error(reading).contains("did not count for") && reading.losses > 0, "\(reading)")
      }
      if case .window(let window) = meter.measure(snapshot) { Issue.record("\(window.sample.watts) W") }
    }
  }

  @Test(
    "that cannot be opened for one package of several are an error that names its CPU, whatever the reason",
    arguments: [
      (EACCES, "CAP_PERFMON"), (EPERM, "system-call filter"), (EMFILE, "ulimit -n"), (ENFILE, "ulimit -n"),
      (ENODEV, "bring a CPU of each package online"), (EBUSY, "measure the msr registers, or powercap"),
    ] as [(Int32, String)])
  func secondPackage(errno: Int32, says: String) throws {
    let (script, log) = (EventScript(), Sentences())
    let folder = try EventFolder(cpumask: "0,3\n", packages: [0, 0, 1, 1])
    script.state.withLock { $0.cpuErrors[3] = errno }
    let error = #expect(throws: SourceError.self) { try folder.source(script, log: log.take) }
    let text = "\(error, default: "")"
    #expect(text.contains("Cannot open the event power/energy-pkg/ on CPU 3: ") && text.contains(says), "\(text)")
    // Half of the machine is no measurement of it.
    #expect(log.text.isEmpty, "\(log.text)")
  }

  @Test(
    "are counted once for each package, however many of its CPUs the list has",
    arguments: ["0-3", "0,2", "1,2", "0-1,2-3"])
  func manyCPUs(cpumask: String) throws {
    let script = EventScript()
    let folder = try EventFolder(cpumask: cpumask, packages: [0, 0, 1, 1], events: ["pkg": "0x02"])
    var source = try folder.source(script)
    #expect(source.read().readings.map(\.package.package) == [0, 1])
    #expect(script.state.withLock { $0.opened.count } == 2)
  }

  @Test("without an events folder, or with one that is empty, are none", arguments: [true, false])
  func noEvents(hasFolder: Bool) throws {
    let (script, folder) = (EventScript(), try EventFolder(events: [:]))
    if hasFolder {
      try FileManager.default.createDirectory(
        atPath: "\(folder.root)/\(EventFolder.pmu)/events", withIntermediateDirectories: true)
    }
    let error = #expect(throws: SourceError.self) { try folder.source(script) }
    #expect(error?.reason.contains("power/events has no event energy-pkg") == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test("that go back by a single count lose that, and invent nothing")
  func backByOne() throws {
    let (script, folder) = (EventScript(), try EventFolder(events: ["pkg": "0x02"]))
    script.state.withLock { $0.offset = 1 << 40 }
    var source = try folder.source(script)
    let first = source.read().readings[0]
    // As far back as the events count in a tenth of a second.
    script.state.withLock { $0.offset -= UInt64(6 / EventScript.scale) }
    usleep(50_000)
    let back = source.read().readings[0]
    #expect(back.unit.joules(back.counts - first.counts) < 4, "\(back)")
    usleep(100_000)
    let last = source.read().readings[0]
    #expect(last.unit.joules(last.counts - first.counts) < 12, "\(last)")
  }
}
