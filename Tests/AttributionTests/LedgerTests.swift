import Formatting
@testable import PowerProtocol
import RAPL
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
    // Half of the CPUs were busy, so as little as half may be idle power.
    #expect(ledger.idle.power == .init(watts: 5, uncertainty: 5))
    let table = TopTable(ledger, window, by: .watts) { "\($0)" }
    #expect(table.rows.map(\.centiwatts) == [375, 125])
    #expect(table.others.map(\.centiwatts) == [0, 500])
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

@Suite("Idle power")
struct IdleEstimateTests {
  @Test("is the low end less the busy part, as unsure as that, while load does not change")
  func constant() throws {
    var idle = IdleEstimate()
    #expect(idle.power == nil)
    for _ in 0..<50 { idle.add(watts: 20, busyCPUs: 1, cpus: 4) }
    #expect(idle.power == .init(watts: 15, uncertainty: 5))
    idle.add(watts: .nan, busyCPUs: 1, cpus: 4)
    #expect(idle.power == .init(watts: 15, uncertainty: 5))
  }

  @Test("is found by the line once load changes, although it was never idle")
  func line() throws {
    var idle = IdleEstimate()
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<60 {
      let busy = Double.random(in: 1...4, using: &generator)
      idle.add(watts: 6 + 9 * busy + .random(in: -0.2...0.2, using: &generator), busyCPUs: busy, cpus: 4)
    }
    let power = try #require(idle.power)
    #expect(power.uncertainty < 0.2 && abs(power.watts - 6) <= power.uncertainty, "\(power)")
  }

  @Test("is never more than the lowest window")
  func most() throws {
    var idle = IdleEstimate()
    for step in 0..<40 { idle.add(watts: step == 20 ? 1 : 30, busyCPUs: Double(step % 5), cpus: 4) }
    #expect(try #require(idle.power).watts <= 1)
  }
}

@Suite("Idle power with what the service remembers")
struct RememberedIdleTests {
  private func idle(_ remembered: Double?, watts: Double = 20, busyCPUs: Double = 2) -> IdleEstimate.Power? {
    var idle = IdleEstimate()
    if let remembered { idle.remember(lowestWatts: remembered) }
    idle.add(watts: watts, busyCPUs: busyCPUs, cpus: 4)
    return idle.power
  }

  @Test("is surer by lower watts, which are its upper end")
  func lower() {
    #expect(idle(nil) == .init(watts: 10, uncertainty: 10))
    #expect(idle(8) == .init(watts: 4, uncertainty: 4))
    #expect(idle(nil, busyCPUs: 1) == .init(watts: 15, uncertainty: 5))
    #expect(idle(16, busyCPUs: 1) == .init(watts: 13, uncertainty: 3))
  }

  @Test(
    "holds what is true, whatever the work was before, and is surer than by the window alone",
    arguments: [0.0, 2, 6, 11], [0.5, 2, 9])
  func truth(base: Double, slope: Double) throws {
    for now in [2.0, 3, 4] {
      let (watts, alone) = (base + slope * now, try #require(idle(nil, watts: base + slope * now, busyCPUs: now)))
      for before in [0.0, 0.5, 1, 1.9] {
        let power = try #require(idle(base + slope * before, watts: watts, busyCPUs: now))
        #expect(abs(power.watts - base) <= power.uncertainty + 1e-9, "\(before) \(now) \(power)")
        #expect(power.uncertainty < alone.uncertainty)
      }
    }
  }

  @Test("says nothing before the first window, and nothing by higher watts or none")
  func useless() {
    var idle = IdleEstimate()
    idle.remember(lowestWatts: 8)
    #expect(idle.power == nil)
    for watts in [20.0, 30, .nan, .infinity, -1] { #expect(self.idle(watts) == self.idle(nil)) }
  }

  @Test("is unsure if it has changed since")
  func changed() {
    // Nothing is busy at 20 W, so 8 W was another idle power.
    #expect(idle(8, busyCPUs: 0) == .init(watts: 8, uncertainty: 12))
  }

  @Test("is learnt from the lowest watts of a history, and stays with another table")
  func history() {
    let rows = [(9.0, 4.0), (30, 7)].map { watts, least in
      HistoryReport.Row(
        unixSeconds: 1, seconds: 1, watts: watts, leastWatts: least, mostWatts: watts, joules: watts, isAsleep: false)
    }
    var ledger = EnergyLedger()
    ledger.learn(HistoryReport(seconds: 900, rows: []))
    ledger.learn(HistoryReport(seconds: 900, rows: rows))
    let window = EnergyWindow(
      end: 1, unixSeconds: 1640995200.1234567, seconds: 1, microjoules: 8_000_000, centiwatts: 800, isLowerBound: false)
    ledger.add(window, CPUUsage(start: 0, end: 1, rows: [.outside: 1_000_000], live: [:]), cpus: 1)
    #expect(ledger.idle.power == .init(watts: 2, uncertainty: 2))
    #expect(EnergyLedger(idle: ledger.idle).idle.power == ledger.idle.power)
    let json = TopTable(ledger, window, by: .watts) { "\($0)" }.json(status: "ok").text
    #expect(json.hasPrefix("{\"timestamp\": 1640995200.123, "))
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
