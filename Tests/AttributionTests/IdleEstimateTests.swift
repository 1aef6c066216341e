import Formatting
import PowerProtocol
import TestSupport
import Testing

@testable import Attribution

@Suite("Idle power")
struct IdleEstimateTests {
  /// What is known after windows of 1 s on four CPUs, of these watts and busy CPUs.
  private func learnt(_ windows: [(watts: Double, busy: Double)], remembered: Double? = nil) -> IdleEstimate.Power? {
    var idle = IdleEstimate()
    if let remembered { idle.remember(lowestWatts: remembered) }
    for window in windows { idle.add(watts: window.watts, seconds: 1, busyCPUs: window.busy, cpus: 4) }
    return idle.power
  }

  @Test("is a guess, and is bounded from above only, while load does not change")
  func constant() throws {
    // Truly idle: 6 W. One CPU is always busy, and draws 9 W.
    let power = try #require(learnt(Array(repeating: (15, 1), count: 50)))
    #expect(power == .init(watts: 7.5, leastWatts: 0, mostWatts: 15, isGuess: true))
    #expect(learnt([]) == nil)
    #expect(learnt([(15, 1), (.nan, 1), (-1, 1), (1, .infinity)]) == learnt([(15, 1)]))
  }

  @Test("of a load that changes by no more than CPU time may be wrong is a guess")
  func nearlyConstant() throws {
    var generator = SeededGenerator(seed: 4)
    // Watts that do not follow the wrong CPU time would make all of it idle power.
    let windows = (0..<600).map { _ in
      (15 + Double.random(in: -0.01...0.01, using: &generator), 1 + Double.random(in: -0.02...0.02, using: &generator))
    }
    let power = try #require(learnt(windows))
    #expect(power.isGuess && power.watts < 8 && power.mostWatts >= 14.99, "\(power)")
  }

  @Test("of a machine that is always busy is a guess, also if CPU time was read late, and so seems to change")
  func readLate() throws {
    var generator = SeededGenerator(seed: 5)
    let windows = (0..<60).map { _ in
      (26 + Double.random(in: -0.5...0.5, using: &generator), 2 + Double.random(in: -0.6...0.6, using: &generator))
    }
    let power = try #require(learnt(windows))
    #expect(power.isGuess && power.watts < 15, "\(power)")
  }

  @Test("is found by the line once load changes, although it was never idle")
  func line() throws {
    var generator = SeededGenerator(seed: 3)
    let windows = (0..<60).map { _ in
      let busy = Double.random(in: 1...4, using: &generator)
      return (6 + 9 * busy + .random(in: -0.2...0.2, using: &generator), busy)
    }
    let power = try #require(learnt(windows))
    #expect(!power.isGuess && abs(power.watts - 6) < 0.2 && power.leastWatts == 0, "\(power)")
  }

  @Test("is nearly all watts of a window in which nearly nothing was busy")
  func quiet() throws {
    let power = try #require(learnt([(6.1, 0.01), (25, 2)]))
    #expect(abs(power.leastWatts - 4.1) < 1e-9 && power.mostWatts == 6.1 && power.watts > 5.9, "\(power)")
    #expect(!power.isGuess)
  }

  @Test(
    "is within its bounds, whatever work draws, however many CPUs it keeps busy",
    arguments: 1...40 as ClosedRange<UInt64>)
  func truth(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func number(_ range: ClosedRange<Double>) -> Double { .random(in: range, using: &generator) }
    let base = seed.isMultiple(of: 5) ? 0 : number(0...60)
    let busiest = [0.05, 0.5, 2, 4][Int.random(in: 0...3, using: &generator)]
    // Of each CPU second, in watts: the same for all, or another one in each window.
    let drawn = seed.isMultiple(of: 2) ? 9.0...9 : 1...90
    var idle = IdleEstimate()
    if seed.isMultiple(of: 3) { idle.remember(lowestWatts: base + number(0...20)) }
    for _ in 0..<200 {
      let busy = number(0...1) * busiest
      idle.add(watts: base + busy * number(drawn), seconds: number(0.2...3), busyCPUs: busy, cpus: 4)
      let power = try #require(idle.power)
      #expect(power.leastWatts <= base + 1e-9 && base <= power.mostWatts + 1e-9, "\(base) \(power)")
      #expect(power.leastWatts...power.mostWatts ~= power.watts)
    }
  }

  @Test("is never more than the lowest window")
  func lowest() throws {
    let windows = (0..<40).map { (watts: $0 == 20 ? 1.0 : 30, busy: Double($0 % 5)) }
    #expect(try #require(learnt(windows)).watts <= 1)
  }

  @Test("if it has changed, is between what it was and what it is")
  func changed() {
    // Nearly nothing was busy at 20 W, so 8 W was another idle power.
    #expect(
      learnt([(20, 0)], remembered: 8) == .init(watts: 8, leastWatts: 8, mostWatts: 20, isGuess: false))
  }
}

@Suite("Idle power with what the service remembers")
struct RememberedIdleTests {
  private func idle(_ remembered: Double?, watts: Double = 20, busyCPUs: Double = 2) -> IdleEstimate.Power? {
    var idle = IdleEstimate()
    if let remembered { idle.remember(lowestWatts: remembered) }
    idle.add(watts: watts, seconds: 1, busyCPUs: busyCPUs, cpus: 4)
    return idle.power
  }

  @Test("is at most the lowest watts, and a guess until something bounds it from below")
  func lower() {
    #expect(idle(8, busyCPUs: 4) == .init(watts: 4, leastWatts: 0, mostWatts: 8, isGuess: true))
    #expect(idle(3, busyCPUs: 4) == .init(watts: 3, leastWatts: 0, mostWatts: 3, isGuess: true))
    #expect(idle(0) == .init(watts: 0, leastWatts: 0, mostWatts: 0, isGuess: false))
  }

  @Test("says nothing before the first window, and nothing by higher watts or none")
  func useless() {
    var idle = IdleEstimate()
    idle.remember(lowestWatts: 8)
    #expect(idle.power == nil)
    for watts in [20.0, 30, .nan, .infinity, -1] { #expect(self.idle(watts) == self.idle(nil)) }
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
      end: 1, unixSeconds: 1_640_995_200.1234567, seconds: 1, microjoules: 8_000_000, centiwatts: 800,
      isLowerBound: false)
    ledger.add(window, CPUUsage(start: 0, end: 1, rows: [.outside: 1_000_000], live: [:]), cpus: 1)
    #expect(ledger.idle.power == .init(watts: 1.6, leastWatts: 0, mostWatts: 4, isGuess: true))
    #expect(EnergyLedger(idle: ledger.idle).idle.power == ledger.idle.power)
    let json = TopTable(ledger, window, by: .watts) { "\($0)" }.json(status: "ok").text
    #expect(json.hasPrefix("{\"timestamp\": 1640995200.123, "))
  }
}

@Suite("The row of idle power")
struct IdleRowTests {
  /// The table after windows of 1 s on four CPUs, of these watts and busy CPUs.
  private func table(_ windows: [(watts: Double, busy: Double)]) throws -> TopTable {
    var ledger = EnergyLedger()
    var table: TopTable?
    for (index, each) in windows.enumerated() {
      let end = Int64(index + 1) * 1_000_000_000
      let window = EnergyWindow(
        end: end, unixSeconds: 0, seconds: 1, microjoules: Int64(each.watts * 1e6),
        centiwatts: Int64((each.watts * 100).rounded()), isLowerBound: false)
      let time = Int64(each.busy * 1e6)
      ledger.add(
        window,
        CPUUsage(start: end - 1_000_000_000, end: end, rows: [.outside: time], live: [.outside: .init(name: "a")]),
        cpus: 4)
      table = TopTable(ledger, window, by: .watts) { "\($0)" }
    }
    return try #require(table)
  }

  private func text(_ windows: [(watts: Double, busy: Double)]) throws -> String {
    let table = try table(windows)
    return try #require(table.others.first { $0.id == .idle }.map(table.description))
  }

  @Test("says what is known, and no more")
  func says() throws {
    #expect(try text([(29, 3)]) == "idle: not known yet (a guess), at most 29.00 W")
    #expect(try text([(6.104, 0.01)]) == "idle: 4.10 to 6.11 W with nothing to do")
    let changing = (0..<20).map { index in
      let busy = Double(index % 3 + 1)
      return (watts: 6 + 9 * busy, busy: busy)
    }
    #expect(try text(changing) == "idle: at most 15.00 W with nothing to do")
    var ledger = EnergyLedger()
    let window = EnergyWindow(
      end: 1, unixSeconds: 0, seconds: 1, microjoules: 7, centiwatts: 300, isLowerBound: false)
    ledger.add(window, nil, cpus: 1)
    let unknown = TopTable(ledger, window, by: .watts) { "\($0)" }
    #expect(unknown.others.map(unknown.description).last == "idle: not known yet")
    #expect(
      unknown.json(status: "ok").text.contains("\"watts_at_least\": null, \"watts_at_most\": null, \"guess\": true}"))
  }

  @Test("says the same in JSON")
  func json() throws {
    let guess = try table([(29, 3)]).json(status: "ok").text
    #expect(guess.contains("\"watts_at_least\": 0, \"watts_at_most\": 29, \"guess\": true}"), "\(guess)")
    let known = try table([(6.104, 0.01)]).json(status: "ok").text
    #expect(known.contains("\"watts_at_least\": 4.1, \"watts_at_most\": 6.11, \"guess\": false}"), "\(known)")
  }
}
