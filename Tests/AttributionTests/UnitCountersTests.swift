import RAPL
import Testing

@testable import Attribution

/// What a program sees that reads counters from time to time, as Prometheus does.
private struct Scraper {
  /// The latest value of each series that there ever was.
  private var latest: [String: Int64] = [:]
  /// The series of the scrape before.
  private var present: Set<String> = []
  /// Whether a counter went back, or gained something while it was not shown.
  private(set) var wentBack = false
  private(set) var gainedUnseen = false

  /// What all series have gained since the scrape before. One that was not there has gained nothing.
  mutating func gain(_ counters: UnitCounters) -> Int64 {
    var (gain, now): (Int64, Set<String>) = (0, [])
    for row in counters.rows {
      let key = "\(row.kind) \(row.cgroup ?? "")"
      now.insert(key)
      let before = latest[key]
      if let before, row.microjoules < before { wentBack = true }
      if present.contains(key) {
        gain += row.microjoules - (before ?? 0)
      } else if !present.isEmpty, row.microjoules != before ?? 0 {
        gainedUnseen = true
      }
      latest[key] = row.microjoules
    }
    present = now
    return gain
  }
}

@Suite("Counters of units")
struct UnitCountersTests {
  /// Windows in which units draw what is said, in millijoules; units that are not named are not there.
  private struct Course {
    var ledger: EnergyLedger
    var counters: UnitCounters
    private var end: Int64 = 0

    init(_ counters: UnitCounters) {
      self.counters = counters
      // The service remembers that idle power is nothing.
      var idle = IdleEstimate()
      idle.remember(lowestWatts: 0)
      ledger = EnergyLedger(idle: idle)
    }

    mutating func window(_ units: [String: Int64], seconds: Double = 15) {
      let total = units.values.reduce(0, +)
      let (start, length) = (end, Int64(seconds * 1e9))
      end += length
      let window = EnergyWindow(
        end: end, unixSeconds: 0, seconds: seconds, microjoules: total * 1000,
        centiwatts: Int64(Double(total) / 10 / seconds), isLowerBound: false)
      // The CPU is busy all the time.
      let rows = units.map { (RowID.unit($0), $1 * 10_000_000) }
      ledger.add(
        window,
        CPUUsage(
          start: start, end: end, rows: Dictionary(uniqueKeysWithValues: rows),
          live: Dictionary(uniqueKeysWithValues: rows.map { row, _ in (row, .init(name: "\(row)")) })), cpus: 1)
      counters.take(ledger, window)
    }

    var units: [String] { counters.rows.compactMap(\.cgroup) }
    func microjoules(_ unit: String) -> Int64? { counters.rows.first { $0.cgroup == unit }?.microjoules }
    func microjoules(_ kind: UnitCounters.Row.Kind) -> Int64? { counters.rows.first { $0.kind == kind }?.microjoules }
  }

  @Test(
    "add up to the packages exactly, and never go back, whatever cgroups, counters and clocks do",
    arguments: [0, 1, 3, 50],
    [1, 2] as [UInt64])
  func sums(mostUnits: Int, seed: UInt64) {
    var chaos = Chaos(seed: seed)
    var (meter, course, ledger) = (UsageMeter(.unit), EnergyCourse(), EnergyLedger())
    var (counters, scraper) = (UnitCounters(mostUnits: mostUnits), Scraper())
    _ = scraper.gain(counters)
    var changes = 0
    for _ in 0..<300 {
      let usage = meter.advance(chaos.step())
      guard let window = course.advance(chaos.sample()) else {
        ledger.skip()
        continue
      }
      let before = counters.rows.map(\.cgroup)
      ledger.add(window, usage, cpus: 4)
      counters.take(ledger, window)
      let gain = scraper.gain(counters)
      #expect(gain == window.microjoules)
      #expect(counters.rows.reduce(0) { $0 + ($1.centiwatts ?? -1) } == window.centiwatts)
      let units = counters.rows.compactMap(\.cgroup)
      #expect(units.count <= mostUnits && Set(units).count == units.count)
      #expect(units.allSatisfy { ledger.about[.unit($0)] != nil })
      if counters.rows.map(\.cgroup) != before { changes += 1 }
    }
    #expect(!scraper.wentBack && !scraper.gainedUnseen)
    #expect(mostUnits == 0 || changes > 20)
  }

  @Test("begin at 0 with the first window in which a unit is shown, and go on when it comes back")
  func life() {
    var course = Course(UnitCounters(mostUnits: 1))
    course.window(["/a": 900, "/b": 100])
    #expect(course.units == ["/a"] && course.microjoules("/a") == 0 && course.microjoules(.other) == 1_000_000)
    course.window(["/a": 900, "/b": 100])
    #expect(course.microjoules("/a") == 900_000 && course.microjoules(.other) == 1_100_000)
    // It has vanished.
    course.window(["/b": 500])
    #expect(course.units == ["/b"] && course.microjoules("/b") == 0 && course.microjoules(.other) == 1_600_000)
    course.window(["/a": 90_000, "/b": 500])
    #expect(course.units == ["/a"] && course.microjoules("/a") == 900_000)
    #expect(course.microjoules(.other) == 92_100_000)
    course.window(["/a": 1000, "/b": 500])
    #expect(course.microjoules("/a") == 1_900_000 && course.microjoules(.other) == 92_600_000)
  }

  @Test("of units that draw alike do not take turns, and one that draws far more is shown at once")
  func steadiness() {
    var course = Course(UnitCounters(mostUnits: 2))
    course.window(["/a": 1000, "/b": 990, "/c": 980])
    for step in 0..<200 {
      course.window(["/a": 1000, "/b": step % 2 == 0 ? 1200 : 800, "/c": step % 2 == 0 ? 800 : 1200])
      #expect(Set(course.units) == ["/a", "/b"])
    }
    course.window(["/a": 1000, "/b": 1000, "/c": 40_000])
    #expect(Set(course.units) == ["/a", "/c"] || Set(course.units) == ["/b", "/c"])
  }

  @Test("of units that draw nothing are not shown")
  func nothing() {
    var course = Course(UnitCounters(mostUnits: 5))
    course.window(["/a": 10, "/b": 0])
    #expect(course.units == ["/a"])
  }

  @Test("need bounded memory for 5,000 cgroups that come and go; what was forgotten begins at 0 again")
  func memory() {
    var course = Course(UnitCounters(mostUnits: 10, mostRemembered: 20))
    for step in 0..<500 {
      let old = Dictionary(uniqueKeysWithValues: (0..<10).map { ("/\(step - 1)-\($0)", Int64(1)) })
      let new = Dictionary(uniqueKeysWithValues: (0..<10).map { ("/\(step)-\($0)", Int64(100_000)) })
      course.window(old.merging(new) { $1 })
      #expect(course.counters.memory.units <= 20 && course.counters.memory.scores <= 20)
    }
    // Every other ten were shown for two windows, and have gained 1 mJ each.
    #expect(course.microjoules("/498-0") == 1000 && course.microjoules("/499-0") == nil)
    course.window(["/0-0": 1_000_000_000, "/496-0": 1_000_000_000])
    #expect(course.microjoules("/0-0") == 0 && course.microjoules("/496-0") == 1000)
  }

  @Test("begin at 0 again long before they overflow")
  func overflow() {
    var counters = UnitCounters(mostUnits: 1)
    for _ in 0..<40_000 { counters.take(unattributedJoules: .infinity) }
    #expect(counters.rows.allSatisfy { $0.microjoules >= 0 })
    for joules in [-.infinity, .nan, -1, 0.5] {
      let before = counters.rows.reduce(0) { $0 + $1.microjoules }
      counters.take(unattributedJoules: joules)
      #expect(counters.rows.reduce(0) { $0 + $1.microjoules } == before + (joules == 0.5 ? 500_000 : 0))
    }
  }
}
