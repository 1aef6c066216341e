import Formatting
@testable import PowerProtocol
import RAPL
import TestSupport
import Testing

@testable import Attribution

@Suite("The ledger")
struct LedgerTests {
  private static let kinds = Grouping.allCases

  @Test(
    "adds up exactly, whatever processes, cgroups, counters and clocks do", arguments: kinds, [1, 2, 3] as [UInt64])
  func sums(grouping: Grouping, seed: UInt64) {
    var chaos = Chaos(seed: seed)
    var meter = UsageMeter(grouping)
    var course = EnergyCourse()
    var ledger = EnergyLedger()
    var fed: Int64 = 0
    var windows = 0
    for _ in 0..<300 {
      let usage = meter.advance(chaos.step())
      guard let window = course.advance(chaos.sample()) else {
        ledger.skip()
        continue
      }
      ledger.add(window, usage, cpus: 4)
      windows += 1
      fed += window.microjoules
      #expect(ledger.microjoules == fed)
      #expect(ledger.entries.values.reduce(0) { $0 + $1.microjoules } == fed)
      #expect(ledger.entries.values.reduce(0) { $0 + $1.windowMicrojoules } == window.microjoules)
      #expect(ledger.entries.values.allSatisfy { $0.microjoules >= 0 && $0.windowMicrojoules >= 0 })
      var table = TopTable(ledger, window, by: .watts) { "\($0)" }
      for change in 0..<3 {
        #expect((table.rows + table.others).reduce(0) { $0 + $1.centiwatts } == window.centiwatts)
        #expect((table.rows + table.others).reduce(0) { $0 + $1.centijoules } == (fed + 5000) / 10_000)
        if change == 0 { table.keep { $0.name.contains("1") } } else { table.keep(first: 3) }
      }
      // Rows that have ended are not kept.
      #expect(ledger.entries.count <= (usage?.live.count ?? .max - 4) + 4)
    }
    #expect(windows > 150)
  }

  @Test("splits what is not idle by CPU time")
  func split() throws {
    var ledger = EnergyLedger()
    let window = EnergyWindow(
      end: 2_000_000_000, unixSeconds: 2, seconds: 1, microjoules: 10_000_000, centiwatts: 1000, isLowerBound: false)
    let (one, two) = (RowID.process(pid: 1, start: 0), RowID.process(pid: 2, start: 0))
    let usage = CPUUsage(
      start: 1_000_000_000, end: 2_000_000_000, rows: [one: 1_500_000, two: 500_000],
      live: [one: .init(name: "a"), two: .init(name: "b")])
    ledger.add(window, usage, cpus: 4)
    // Half of the CPUs were busy, and nothing else is known: a third is guessed to be idle power.
    let idle = try #require(ledger.idle.power)
    #expect(abs(idle.watts - 10 / 3.0) < 1e-9 && idle.isGuess)
    let table = TopTable(ledger, window, by: .watts) { "\($0)" }
    #expect(table.rows.map(\.centiwatts) == [500, 167])
    #expect(table.others.map(\.centiwatts) == [0, 333])
    #expect(table.rows.map(\.cpuSeconds) == [1.5, 0.5])
  }

  @Test("without CPU time attributes nothing")
  func unknown() {
    var ledger = EnergyLedger()
    let window = EnergyWindow(
      end: 1, unixSeconds: 0, seconds: 1, microjoules: 7, centiwatts: 300, isLowerBound: false)
    ledger.add(window, nil, cpus: 1)
    #expect(ledger.entries[.notAttributed]?.microjoules == 7 && ledger.entries.count == 2)
  }
}

@Suite("CPU time beside windows")
struct UsageAlignmentTests {
  @Test("is taken up to the window's end; the rest belongs to the next one, and none is lost")
  func late() {
    var alignment = UsageAlignment()
    let row = RowID.outside
    func usage(_ start: Int64, _ end: Int64, _ time: Int64) -> CPUUsage {
      CPUUsage(start: start, end: end, rows: [row: time], live: [:])
    }
    // Windows end 200 ns before the readings.
    func take(_ usage: CPUUsage, _ end: Int64) -> Int64? { alignment.take(usage, until: end)[row] }
    let onTime = [take(usage(0, 1000, 1000), 800), take(usage(1000, 2000, 1000), 1800)]
    #expect(onTime == [800, 1000])
    // A program that was stopped gets two samples at once.
    let stopped = [take(usage(2000, 4000, 2000), 2800), take(usage(4000, 4008, 8), 3800)]
    #expect(stopped == [1000, 1000])
    // A clock of another time namespace.
    let other = take(usage(4008, 5000, 992), 99)
    #expect(other == 1200)
  }
}

/// A machine on which everything happens that must not matter.
struct Chaos {
  private var generator: SeededGenerator
  private var nanoseconds: Int64 = 0
  private var busy: Int64 = 0
  private var joules = 0.0
  private var sequence = 0
  private var processes: [CPUSnapshot.Process] = []
  private var cgroups: [CPUSnapshot.Cgroup] = []
  private var inode: UInt64 = 1

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }
  private mutating func number(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &generator) }

  mutating func step() -> CPUSnapshot {
    nanoseconds += number(250_000_000...2_000_000_000)
    if chance(0.03) { nanoseconds -= number(0...5_000_000_000) }
    for place in processes.indices {
      processes[place].microseconds &+= number(0...2_000_000)
      if chance(0.02) { processes[place].microseconds = number(0...1000) }
      if chance(0.01) { processes[place].microseconds = .max - number(0...5) }
      if chance(0.02) { processes[place].cgroup = cgroups.randomElement(using: &generator)?.path }
    }
    for place in cgroups.indices {
      cgroups[place].microseconds &+= number(0...3_000_000)
      if chance(0.02) { cgroups[place].microseconds = number(0...1000) }
      if chance(0.01) { cgroups[place].microseconds = .max / 2 }
    }
    for place in processes.indices.reversed() where chance(0.2) { processes.remove(at: place) }
    for place in cgroups.indices.reversed() where chance(0.1) { cgroups.remove(at: place) }
    for _ in 0..<number(0...8) {
      inode += 1
      let parent = chance(0.5) ? cgroups.randomElement(using: &generator)?.path ?? "" : ""
      let name =
        ["a.service", "b.slice", "user-1000.slice", "machine-web.scope", "x\u{1B}[31m"].randomElement(using: &generator)
        ?? ""
      cgroups.append(.init(inode: inode, path: "\(parent)/\(name)", microseconds: number(0...1_000_000)))
    }
    // Few numbers, so that they are used again, also within a window.
    let most: Int64 = chance(0.05) ? 400 : 12
    for _ in 0..<number(0...most) {
      processes.append(
        .init(
          pid: Int(number(1...30)), start: number(0...max(nanoseconds / 1000, 1)), name: "p\(number(0...9))\n(",
          microseconds: number(0...500_000), user: chance(0.8) ? UInt32(number(0...3)) : nil,
          cgroup: chance(0.8) ? cgroups.randomElement(using: &generator)?.path ?? "/" : nil))
    }
    busy += number(-500_000...8_000_000)
    return CPUSnapshot(
      monotonicNanoseconds: nanoseconds, bootMicroseconds: nanoseconds / 1000, busyMicroseconds: busy, cpus: 4,
      processes: processes, cgroups: chance(0.05) ? nil : cgroups, hidesProcesses: chance(0.1))
  }

  mutating func sample() -> SampleReport {
    sequence += chance(0.1) ? 3 : 1
    joules += Double(number(0...200_000)) / 1000
    if chance(0.02) { joules = Double(number(0...10)) }
    if chance(0.01) { joules += 1e20 }
    if joules > 1e18 && chance(0.5) { joules = 0 }
    return .report(
      sequence: sequence, seconds: Double(nanoseconds) / 1e9 - Double(number(0...300)) / 1000, joules: joules,
      watts: Double(number(0...20_000)) / 100, isStale: chance(0.05))
  }
}

extension SampleReport {
  static func report(
    sequence: Int, seconds: Double, joules: Double, watts: Double, isStale: Bool = false
  ) -> SampleReport {
    SampleReport(
      sequence: sequence, unixSeconds: seconds, monotonicSeconds: seconds, windowSeconds: 1, watts: watts,
      joules: joules,
      isLowerBound: false, status: isStale ? .stale : .ok, reason: nil, packages: [],
      service: SampleReport.Cost(cpuSeconds: 0, wakeups: 0))
  }
}
