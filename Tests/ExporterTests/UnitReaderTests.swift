import Attribution
import Formats
import Formatting
import Foundation
import PowerClient
import PowerProtocol
import Processes
import Synchronization
import Testing

@testable import Exporter

@Suite("The energy of units in an exporter", .timeLimit(.minutes(1)))
struct UnitReaderTests {
  /// A folder that stands for /, with one unit.
  private final class Machine {
    let path = NSTemporaryDirectory() + "exporter-units-\(UUID().uuidString)"

    init(cgroups: Bool = true) throws {
      try write("proc/self/mountinfo", cgroups ? "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" : "")
      try write("proc/stat", "cpu  500 0 300 9 9 0 0\ncpu0 1\n")
      try write("sys/fs/cgroup/a.service/cpu.stat", "usage_usec 7\n")
    }

    func write(_ file: String, _ text: String) throws {
      let whole = URL(filePath: "\(path)/\(file)")
      try FileManager.default.createDirectory(at: whole.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: whole)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(file)") }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test("is there only if it is wanted and served; the history is asked for once")
  func wanted() throws {
    let machine = try Machine()
    let histories = Mutex(0)
    let service = try FakeService { request in
      if case .history = request { histories.withLock { $0 += 1 } }
      return FakeService.answer(request)
    }
    let address = ServiceAddress(service.path)
    let reader = ServiceReader(address, interrupt: -1, units: try UnitReader(mostUnits: 3, root: machine.path))
    #expect(try reader.observe(units: false) == Examples.observation)
    #expect(histories.withLock { $0 } == 0)
    for _ in 0..<3 {
      #expect(try reader.observe(units: true).units?.rows.map(\.kind) == [.other, .idle, .notAttributed])
      reader.disconnect()
    }
    #expect(histories.withLock { $0 } == 1)
    #expect(try ServiceReader(address, interrupt: -1).observe(units: true) == Examples.observation)
  }

  @Test("does without a service's history")
  func refusal() throws {
    let machine = try Machine()
    let service = try FakeService { request in
      if case .history = request { ([RequestError.busy.json.line], false) } else { FakeService.answer(request) }
    }
    let units = try UnitReader(mostUnits: 3, root: machine.path)
    let reader = ServiceReader(ServiceAddress(service.path), interrupt: -1, units: units)
    #expect(try reader.observe(units: true).units != nil)
  }

  @Test("is left out while the CPU time cannot be read, which is told once; the rest stays")
  func unreadable() throws {
    let machine = try Machine()
    let told = Mutex<[ProcessError?]>([])
    let units = try UnitReader(mostUnits: 3, root: machine.path) { error in told.withLock { $0.append(error) } }
    var sample = Examples.sample
    #expect(units.take(sample, past: nil) != nil)
    try machine.remove("proc/stat")
    for _ in 0..<2 {
      sample.monotonicSeconds += 1
      #expect(units.take(sample, past: nil) == nil)
    }
    try machine.write("proc/stat", "cpu  500 0 300 9 9 0 0\ncpu0 1\n")
    sample.monotonicSeconds += 1
    #expect(units.take(sample, past: nil) != nil)
    #expect(told.withLock { $0 } == [.noStatistics(errno: ENOENT), nil])
  }

  @Test("is refused in one sentence if it cannot be known")
  func refused() throws {
    let none = try Machine(cgroups: false)
    let missing = #expect(throws: UnitsError.self) { _ = try UnitReader(mostUnits: 1, root: none.path) }
    #expect("\(missing, default: "")" == "--units needs cgroup v2, which is not mounted here.")
    let hidden = try Machine()
    try hidden.remove("proc/stat")
    let error = #expect(throws: UnitsError.self) { _ = try UnitReader(mostUnits: 1, root: hidden.path) }
    #expect("\(error, default: "")".contains("/proc/stat") && "\(error, default: "")".contains("ProcSubset=all"))
  }
}
