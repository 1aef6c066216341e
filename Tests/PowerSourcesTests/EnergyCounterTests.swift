import PowerSources
import RAPL
import Testing

private let joule = EnergyUnit(joulesPerCount: 1 / 16_384)
private let second: Int64 = 1_000_000_000

/// A counter in 2^-14 J that may draw up to 1,000 W: 16,384,000 counts a second.
private func counter(startingAt value: UInt64 = 1_000_000) -> EnergyCounter {
  var counter = EnergyCounter(unit: joule, bound: PowerBound(watts: 1000))
  _ = counter.record(value, at: 0)
  return counter
}

@Suite("An energy counter")
struct EnergyCounterTests {
  @Test(
    "tells what a reading one second after 1,000,000 is",
    arguments: [
      (1_000_001, .advanced(1)), (17_000_000, .advanced(16_000_000)), (1_000_000, .idle), (0, .implausible),
      (500_000, .reset), (1, .reset), (18_000_000, .implausible), (4_000_000_000, .implausible),
    ] as [(UInt64, CounterChange)])
  func classification(value: UInt64, expected: CounterChange) {
    var counter = counter()
    #expect(counter.record(value, at: second) == expected)
  }

  @Test("begins with its first reading, but never with 0")
  func first() {
    var counter = EnergyCounter(unit: joule, bound: PowerBound(watts: 1000))
    #expect(counter.record(0, at: 0) == .implausible)
    #expect(counter.record(7, at: second) == .first)
    #expect(counter.total == 0 && !counter.isLowerBound)
  }

  // A register's range, and a powercap file's: 2^32 times 2^-14 J in microjoules, as the kernel rounds it.
  @Test(
    "is exact to the count over thousands of wraps", arguments: [1, 2, 3] as [UInt64],
    [EnergyCounter.registerRange, 262_143_328_850])
  func exactness(seed: UInt64, range: UInt64) {
    var random = Seeded(state: seed)
    var truth = UInt64.random(in: 1..<range, using: &random)
    let start = truth
    var time: Int64 = 0
    let unit = EnergyUnit(joulesPerCount: 262_144 / Double(range))
    var counter = EnergyCounter(unit: unit, bound: PowerBound(watts: 1000), range: range)
    #expect(counter.record(truth, at: 0) == .first)
    var wraps = 0
    // 60 s at up to 1,000 W: a wrap takes five readings or more.
    for _ in 0..<20_000 {
      let step = UInt64.random(in: 1...range / 5, using: &random)
      let crosses = (truth + step) / range != truth / range
      // Landing on 0 is a test of its own.
      if (truth + step) % range == 0 { continue }
      truth += step
      time += 60 * second
      switch counter.record(truth % range, at: time) {
      case .advanced(let counts): #expect(!crosses && counts == step)
      case .wrapped(let counts):
        wraps += 1
        #expect(crosses && counts == step)
      case let other: Issue.record("\(other)")
      }
    }
    #expect(wraps > 1000)
    #expect(counter.total == truth - start && !counter.isLowerBound)
  }

  @Test("a value beyond its range is implausible", arguments: [1000, 1001, .max] as [UInt64])
  func beyondRange(value: UInt64) {
    var counter = EnergyCounter(unit: joule, bound: PowerBound(watts: 1000), range: 1000)
    #expect(counter.record(999, at: 0) == .first)
    #expect(counter.record(value, at: second) == .implausible)
    #expect(counter.total == 0 && !counter.isLowerBound)
  }

  @Test("a wrap that lands exactly on 0 loses nothing: the reading after it counts it")
  func wrapOntoZero() {
    var counter = counter(startingAt: 0xFFFF_FFFF - 99)
    #expect(counter.record(0, at: second) == .implausible)
    #expect(counter.record(50, at: 2 * second) == .wrapped(150))
    #expect(counter.total == 150 && !counter.isLowerBound)
  }

  @Test("zero readings lose nothing, however many (AMD mobile parts give them)", arguments: [1, 2, 20])
  func zeros(count: Int) {
    var counter = counter()
    for index in 1...count { #expect(counter.record(0, at: Int64(index) * second) == .implausible) }
    #expect(counter.record(1_400_000, at: Int64(count + 1) * second) == .advanced(400_000))
    #expect(counter.total == 400_000 && !counter.isLowerBound)
  }

  @Test("equal readings are idle, never a wrap (telegraf: a 262 kJ spike)")
  func idle() {
    var counter = counter()
    for index in 1...10 as ClosedRange<Int64> { #expect(counter.record(1_000_000, at: index * second) == .idle) }
    #expect(counter.total == 0 && !counter.isLowerBound)
  }

  @Test(
    "a counter that always moves and has stood for more than a second counts on, but lacks what was drawn meanwhile",
    arguments: [(true, 1, 0), (true, 2, 0), (true, 3, 1), (true, 40, 1), (false, 40, 0)] as [(Bool, Int64, UInt32)])
  func standstill(alwaysMoves: Bool, readings: Int64, losses: UInt32) {
    var counter = EnergyCounter(
      unit: joule, bound: PowerBound(watts: 1000), alwaysMoves: alwaysMoves)
    // Half a second apart, the first of them included.
    for index in 0..<readings { _ = counter.record(1_000_000, at: index * second / 2 + index) }
    #expect(
      counter.record(1_300_000, at: readings * second / 2 + readings) == (losses > 0 ? .resumed : .advanced(300_000)))
    #expect(counter.record(1_400_000, at: (readings + 1) * second / 2) == .advanced(100_000))
    #expect(counter.total == 400_000 && counter.losses == losses)
  }

  @Test(
    "over a suspend the total becomes a lower bound, whatever the counter shows after it",
    arguments: [(1_000_000, 1_200_000, 200_000), (3_000_000_000, 300_000, 300_000), (1_000_000, 1_000_000, 0)]
      as [(UInt64, UInt64, UInt64)])
  func suspend(before: UInt64, after: UInt64, atLeast: UInt64) {
    var counter = counter(startingAt: before)
    #expect(counter.record(after, at: second, asleep: second) == .gap)
    #expect(counter.record(after + 500, at: 2 * second, asleep: second) == .advanced(500))
    #expect(counter.total == atLeast + 500 && counter.losses == 1)
  }

  @Test("over a suspend the kernel's events tell no least energy: to the kernel, a register that was reset has wrapped")
  func suspendOfEvents() {
    let unit = EnergyUnit(joulesPerCount: 1 / Double(1 << 24), source: .perf)
    var counter = EnergyCounter(unit: unit, bound: PowerBound(watts: 1000), range: 1 << 56)
    _ = counter.record(1_000_000, at: 0)
    // 65,536 J, which an hour explains.
    #expect(counter.record(1_000_000 + (1 << 40), at: second, asleep: 3600 * second) == .gap)
    #expect(counter.total == 0 && counter.losses == 1)
    #expect(counter.record(1_000_500 + (1 << 40), at: 2 * second, asleep: 3600 * second) == .advanced(500))
  }

  @Test("what the two clocks that tell a suspend are apart by chance is no suspend")
  func noSuspend() {
    var counter = counter()
    #expect(counter.record(1_000_500, at: second, asleep: 40_000_000) == .advanced(500))
    #expect(counter.record(1_000_900, at: 2 * second, asleep: 0) == .advanced(400))
    #expect(!counter.isLowerBound)
  }

  @Test("a reset counts what was drawn since it, and makes the total a lower bound")
  func reset() {
    var counter = counter(startingAt: 3_000_000_000)
    #expect(counter.record(3_000_500_000, at: second) == .advanced(500_000))
    #expect(counter.record(200_000, at: 2 * second) == .reset)
    #expect(counter.record(900_000, at: 3 * second) == .advanced(700_000))
    #expect(counter.total == 500_000 + 200_000 + 700_000)
    #expect(counter.isLowerBound && counter.losses == 1)
  }

  @Test("one value out of reach is left out, and nothing is lost")
  func glitch() {
    var counter = counter()
    #expect(counter.record(3_000_000_000, at: second) == .implausible)
    #expect(counter.record(2_000_000, at: 2 * second) == .advanced(1_000_000))
    #expect(counter.total == 1_000_000 && !counter.isLowerBound)
  }

  @Test("a counter that goes on from a value out of reach is believed with its second reading there")
  func jump() {
    var counter = counter()
    #expect(counter.record(3_000_000_000, at: second) == .implausible)
    #expect(counter.record(3_000_700_000, at: 2 * second) == .reset)
    #expect(counter.record(3_001_400_000, at: 3 * second) == .advanced(700_000))
    #expect(counter.total == 1_400_000 && counter.isLowerBound)
  }

  @Test("random values are never a spike, and never rejected for ever", arguments: [1, 2, 3] as [UInt64])
  func junk(seed: UInt64) {
    var random = Seeded(state: seed)
    var counter = counter()
    var time: Int64 = 0
    for _ in 0..<1000 {
      time += second
      if case .wrapped = counter.record(.random(in: 1...0xFFFF_FFFF, using: &random), at: time) { continue }
    }
    // What was counted is within the bound for the whole time.
    #expect(joule.joules(counter.total) <= 1000 * Double(time / second) * 1.05)
    var accepted = false
    for index in 1...3 as ClosedRange<UInt64> {
      time += second
      if case .advanced = counter.record(2_000_000_000 + index * 700_000, at: time) { accepted = true }
    }
    #expect(accepted)
  }

  @Test(
    "after a gap too long to tell, the total is a lower bound and says so",
    arguments: [
      (1_000_000, 2_000_000, 1_000_000), (4_000_000_000, 3_000_000, 3_000_000), (1000, 1000, 0),
      (100, 50, 50), (4_294_967_000, 1_000_000, 1_000_000),
    ] as [(UInt64, UInt64, UInt64)])
  func gap(before: UInt64, after: UInt64, atLeast: UInt64) {
    var counter = counter(startingAt: before)
    #expect(counter.record(after, at: 260 * second) == .gap)
    #expect(counter.total == atLeast && counter.isLowerBound)
  }

  @Test("a gap after rejected readings adds nothing: what they were is not known")
  func gapAfterJunk() {
    var counter = counter()
    #expect(counter.record(3_000_000_000, at: second) == .implausible)
    #expect(counter.record(4_000_000_000, at: 260 * second) == .gap)
    #expect(counter.total == 0 && counter.isLowerBound)
  }

  @Test("a clock that stands still or goes back rejects nothing plausible and traps nowhere")
  func strangeClocks() {
    var counter = counter()
    #expect(counter.record(1_000_100, at: 0) == .advanced(100))
    #expect(counter.record(1_000_200, at: -5 * second) == .advanced(100))
    for time: Int64 in [.max / 2, .min / 2, 0] {
      for value: UInt64 in [1, 0xFFFF_FFFF, 0x8000_0000, .max] { _ = counter.record(value, at: time) }
    }
  }
}

/// A generator whose run can be repeated (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
