import Attribution
@testable import PowerProtocol
import Testing

@testable import Processes

@Suite("Samples beside CPU time")
struct TopMeterTests {
  private func sample(_ sequence: Int, joules: Double, isStale: Bool = false) -> SampleReport {
    SampleReport(
      sequence: sequence, unixSeconds: Double(sequence), monotonicSeconds: Double(sequence), windowSeconds: 1,
      watts: 10,
      joules: joules, isLowerBound: false, status: isStale ? .stale : .ok, reason: nil, packages: [],
      service: SampleReport.Cost(cpuSeconds: 0, wakeups: 0))
  }

  @Test("it says if /proc/stat is not the kernel's")
  func replaced() throws {
    let tree = try Tree()
    try tree.write(
      "proc/self/mountinfo",
      "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 23 0:27 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw\n"
    )
    for grouping in Grouping.allCases {
      let meter = try TopMeter(grouping, root: tree.path)
      let note = meter.note ?? ""
      #expect(note.hasPrefix("A program such as lxcfs replaces /proc/stat here"))
    }
  }

  @Test("the CPU time of stale samples belongs to the window that ends after them")
  func stale() throws {
    let tree = try Tree()
    func work(_ one: Int64, _ other: Int64) throws {
      try tree.add(pid: 1, "one", ticks: one, in: "/")
      try tree.add(pid: 2, "other", ticks: other, in: "/")
    }
    try work(0, 0)
    var meter = try TopMeter(.process, root: tree.path)
    let first = try meter.take(sample(1, joules: 0))
    try work(2, 0)
    try tree.add(pid: 3, "gone", ticks: 0, in: "/")
    let stale = try meter.take(sample(1, joules: 0, isStale: true))
    #expect(first == nil && stale == nil)
    try tree.add(pid: 3, "gone", ticks: 1, in: "/")
    _ = try meter.take(sample(1, joules: 0, isStale: true))
    tree.remove("proc/3")
    _ = try meter.take(sample(1, joules: 0, isStale: true))
    try work(2, 1)
    let window = try #require(try meter.take(sample(2, joules: 30)))
    let table = TopTable(meter.ledger, window, by: .name) { "\($0)" }
    #expect(table.rows.map(\.name) == ["one", "other"] && table.rows.map(\.cpuSeconds) == [0.02, 0.01])
    #expect(table.others.first { $0.id == .ended }?.cpuSeconds == 0.01)
    #expect(abs(table.rows[0].centijoules - 2 * table.rows[1].centijoules) <= 2)
  }
}
