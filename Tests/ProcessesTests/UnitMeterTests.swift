import Attribution
import Testing

@testable import PowerProtocol
@testable import Processes

@Suite("The energy of units when somebody asks")
struct UnitMeterTests {
  /// A machine with one unit, whose CPU time grows by 5 ms with each question: more than 20 ms is not believed within an instant.
  private final class Machine {
    let tree: Tree
    private var milliseconds: Int64 = 0

    init() throws {
      tree = try Tree()
      try tree.write("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
      try work()
    }

    func work() throws {
      milliseconds += 5
      try tree.cgroup("a.service", milliseconds * 1000)
      try tree.write("proc/stat", "cpu  \(milliseconds / 10 + 1) 0 0 9 9 0 0\ncpu0 1\n")
    }
  }

  private func sample(
    _ sequence: Int, joules: Double, seconds: Double? = nil, wakeups: Int? = nil, isStale: Bool = false
  ) -> SampleReport {
    SampleReport(
      sequence: sequence, unixSeconds: 1, monotonicSeconds: seconds ?? Double(sequence) * 10, windowSeconds: 1,
      watts: 1,
      joules: joules, isLowerBound: false, status: isStale ? .stale : .ok, reason: nil, packages: [],
      service: SampleReport.Cost(cpuSeconds: 1, wakeups: wakeups ?? sequence))
  }

  /// What all rows have gained, in joules.
  private func gained(_ counters: UnitCounters) -> Double {
    Double(counters.rows.reduce(0) { $0 + $1.microjoules }) / 1e6
  }

  @Test("is what the packages gain between two questions, also through restarts of the service")
  func gains() throws {
    let machine = try Machine()
    var meter = try UnitMeter(mostUnits: 3, root: machine.tree.path)
    var expected = 0.0
    for (next, gain) in [
      (sample(100, joules: 5000), 0.0), (sample(115, joules: 5300), 300), (sample(130, joules: 5400), 100),
      // The same sample again, and one that is old.
      (sample(130, joules: 5400), 0), (sample(131, joules: 5401, isStale: true), 0), (sample(145, joules: 5500), 100),
      // Restarted: its joules began at 0.
      (sample(2, joules: 20, seconds: 2000), 20), (sample(9, joules: 50, seconds: 2010), 30),
      // Restarted, and it has counted more than before since.
      (sample(10, joules: 900, seconds: 2020, wakeups: 1), 900),
      (sample(11, joules: 950, seconds: 2030, wakeups: 2), 50),
      // A clock that goes back.
      (sample(12, joules: 960, seconds: 5), 10), (sample(13, joules: 970, seconds: 15), 10),
    ] {
      try machine.work()
      try meter.take(next)
      expected += gain
      #expect(gained(meter.counters) == expected, "\(next.sequence)")
    }
    let unit = try #require(meter.counters.rows.first)
    #expect(unit.kind == .unit && unit.cgroup == "/a.service" && unit.microjoules > 0)
  }

  @Test("goes on once what could not be read can be again")
  func unreadable() throws {
    let machine = try Machine()
    var meter = try UnitMeter(mostUnits: 3, root: machine.tree.path)
    try meter.take(sample(1, joules: 10))
    try machine.tree.write("proc/stat", "nonsense")
    #expect(throws: ProcessError.self) { try meter.take(sample(2, joules: 20)) }
    try machine.work()
    try meter.take(sample(3, joules: 40))
    #expect(gained(meter.counters) == 30)
  }

  @Test("is refused without cgroups of version 2, or without the machine's CPU time")
  func refused() throws {
    let tree = try Tree()
    try tree.write("proc/self/mountinfo", "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")
    #expect(throws: ProcessError.noCgroups(.unit)) { _ = try UnitMeter(mostUnits: 1, root: tree.path) }
    let machine = try Machine()
    machine.tree.remove("proc/stat")
    #expect(throws: ProcessError.noStatistics(errno: 2)) { _ = try UnitMeter(mostUnits: 1, root: machine.tree.path) }
  }
}
