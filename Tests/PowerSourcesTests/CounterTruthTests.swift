import PowerSources
import RAPL
import Testing

/// 1,000 W in counts of 2^-14 J: what the counters here may advance in a second.
private let mostInSecond: UInt64 = 16_384_000
private let second: Int64 = 1_000_000_000

/// A package whose true energy is known, and the counter that is to follow it.
private struct Subject {
  var random: Seeded
  var truth: UInt64
  var register: UInt32
  var time: Int64 = 0
  var counter: EnergyCounter
  private let start: UInt64

  init(seed: UInt64) {
    random = Seeded(state: seed)
    truth = UInt64.random(in: 1...UInt64(UInt32.max), using: &random)
    register = UInt32(truncatingIfNeeded: truth)
    start = truth
    counter = EnergyCounter(
      unit: EnergyUnit(joulesPerCount: 1 / 16_384), bound: PowerBound(watts: 1000))
    _ = counter.record(UInt64(register), at: 0)
  }

  var drawn: UInt64 { truth - start }

  /// Lets time go by at a random power up to `watts`; a jitter of the clock included.
  mutating func pass(seconds: Double, watts: Double = 1000) {
    let counts = UInt64(Double.random(in: 0...watts, using: &random) * seconds * 16_384)
    truth += counts
    register &+= UInt32(truncatingIfNeeded: counts)
    time += Int64(seconds * 1e9) + Int64.random(in: 0...1_000_000, using: &random)
  }

  mutating func read() -> CounterChange { counter.record(UInt64(register), at: time) }
}

@Suite("An energy counter against the truth")
struct CounterTruthTests {
  @Test("zeros and failed reads at random lose not one count", arguments: [1, 2, 3, 4] as [UInt64])
  func zerosAnywhere(seed: UInt64) {
    var subject = Subject(seed: seed)
    var unreadSeconds = 0.0
    for _ in 0..<20_000 {
      let seconds = Double.random(in: 0.25...10, using: &subject.random)
      subject.pass(seconds: seconds)
      unreadSeconds += seconds
      let glitch = Int.random(in: 0..<3, using: &subject.random)
      if glitch == 0 { #expect(subject.counter.record(0, at: subject.time) == .implausible) }
      // A failed read is none. But never so long unread that a quarter of a wrap could pass.
      if glitch == 1 && unreadSeconds < 50 || subject.register == 0 { continue }
      _ = subject.read()
      unreadSeconds = 0
    }
    subject.pass(seconds: 0.25)
    _ = subject.read()
    #expect(subject.drawn >> 32 > 10 && subject.counter.losses == 0)
    #expect(subject.counter.total == subject.drawn)
  }

  @Test("one junk value between good ones costs nothing", arguments: [1, 2, 3] as [UInt64])
  func lonelyJunk(seed: UInt64) {
    var subject = Subject(seed: seed)
    for _ in 0..<5000 {
      subject.pass(seconds: 1)
      // Junk that no power explains: a quarter of the circle or more ahead, and far from where a reset begins.
      let ahead = UInt32.random(in: 0x4000_0000...0xC000_0000, using: &subject.random)
      let junk = subject.register &+ ahead
      if junk > 0x1000_0000 { #expect(subject.counter.record(UInt64(junk), at: subject.time) == .implausible) }
      subject.pass(seconds: 1)
      if subject.register != 0 { _ = subject.read() }
    }
    #expect(subject.counter.total == subject.drawn && !subject.counter.isLowerBound)
  }

  @Test("resets, jumps and gaps leave a lower bound that is really one", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func lowerBound(seed: UInt64) {
    var subject = Subject(seed: seed)
    var certain: UInt64 = 0
    var stepsSinceEvent = 0
    for _ in 0..<5000 {
      let last = subject.counter.total
      stepsSinceEvent += 1
      switch Int.random(in: 0..<20, using: &subject.random) {
      // Set to 0 shortly before its end, a counter looks as if it had wrapped: nobody can tell.
      case 0 where subject.register < .max - 40_000_000:
        subject.register = 0
        stepsSinceEvent = 0
      case 1:
        subject.pass(seconds: Double.random(in: 65...2000, using: &subject.random))
        stepsSinceEvent = 0
      default: break
      }
      let drawn = subject.drawn
      subject.pass(seconds: 1, watts: 300)
      _ = subject.read()
      #expect(subject.counter.total >= last)
      // A step may need two readings more before the counter is believed again.
      if stepsSinceEvent > 2 { certain += subject.drawn - drawn }
    }
    #expect(subject.counter.total <= subject.drawn && subject.counter.isLowerBound)
    // At least half of the steps, at 100 W or more in the mean.
    #expect(certain > 2500 * 100 * 16_384 && subject.counter.total >= certain)
  }

  @Test(
    "a value after a gap that no power explains adds nothing, as one before a gap does not",
    arguments: [(1000, 4_000_000_000), (3_000_000_000, 2_900_000_000), (1, .max)] as [(UInt32, UInt32)])
  func unexplainedAfterGap(before: UInt32, after: UInt32) {
    var counter = EnergyCounter(
      unit: EnergyUnit(joulesPerCount: 1 / 16_384), bound: PowerBound(watts: 1000))
    _ = counter.record(UInt64(before), at: 0)
    // 70 s at the bound are 1.15e9 counts: the counter neither went on, wrapped nor restarted to get there.
    #expect(counter.record(UInt64(after), at: second, asleep: 69 * second) == .gap)
    #expect(counter.total == 0 && counter.isLowerBound)
  }

  @Test("a value after junk and a gap adds nothing, however well it would fit")
  func junkThenGap() {
    var counter = Subject(seed: 1).counter
    _ = counter.record(1_000_000, at: 100 * second)
    let total = counter.total
    #expect(counter.record(3_000_000_000, at: 101 * second) == .implausible)
    #expect(counter.record(1_500_000, at: 400 * second) == .gap)
    #expect(counter.total == total)
  }

  @Test("a counter that is read every longest interval never has a gap", arguments: [320, 1160, 4040] as [Double])
  func longestInterval(watts: Double) {
    for joulesPerCount in [1.0 / 65_536, 1.0 / 16_384, 0.000_032] {
      let unit = EnergyUnit(joulesPerCount: joulesPerCount)
      let bound = PowerBound(watts: watts)
      var counter = EnergyCounter(unit: unit, bound: bound)
      let interval = bound.longestCertainSeconds(unit: unit, range: EnergyCounter.registerRange)
      var (value, time) = (UInt32(1), 0.0)
      _ = counter.record(UInt64(value), at: 0)
      // A short step first, as while somebody looks on: it is the power that the longer ones go on with.
      for seconds in [1] + [Double](repeating: interval, count: 20) {
        let step = UInt32(watts * seconds / joulesPerCount)
        value &+= step
        time += seconds
        let change = counter.record(UInt64(value), at: Int64(time * 1e9))
        #expect(change == .advanced(UInt64(step)) || change == .wrapped(UInt64(step)), "\(change) at \(time)")
      }
    }
  }

  @Test("sleeping for a minute is no gap, sleeping for a night is one and counts no spike")
  func sleep() {
    var short = Subject(seed: 7)
    short.pass(seconds: 60, watts: 1)
    #expect(short.read() != .gap)
    #expect(short.counter.total == short.drawn)
    var long = Subject(seed: 7)
    long.pass(seconds: 8 * 3600, watts: 0.1)
    #expect(long.read() == .gap)
    #expect(long.counter.total <= long.drawn && long.counter.isLowerBound)
  }

  @Test(
    "a counter that sleeping set to 0 goes on at once",
    arguments: [(10, .reset), (36_000, .gap)] as [(Int64, CounterChange)])
  func resetInSleep(seconds: Int64, change: CounterChange) {
    var counter = Subject(seed: 3).counter
    #expect(counter.record(0, at: seconds * second) == .implausible)
    #expect(counter.record(5000, at: (seconds + 1) * second) == change)
    #expect(counter.record(15_000, at: (seconds + 2) * second) == .advanced(10_000))
    #expect(counter.total <= 15_000)
  }

  @Test(
    "a run of junk, then a counter that goes on anywhere: two readings are enough", arguments: [1, 2, 3] as [UInt64])
  func reanchor(seed: UInt64) {
    var subject = Subject(seed: seed)
    for count in [1, 2, 10, 50] {
      for _ in 0..<count {
        subject.time += second
        subject.register = .random(in: 1...UInt32.max, using: &subject.random)
        _ = subject.read()
      }
      subject.register = .random(in: 0x2000_0000...0xE000_0000, using: &subject.random)
      for _ in 0..<2 {
        subject.pass(seconds: 1, watts: 300)
        _ = subject.read()
      }
      let total = subject.counter.total
      subject.register &+= 100
      subject.time += second
      #expect(subject.read() == .advanced(100), "after \(count)")
      #expect(subject.counter.total == total + 100)
    }
  }

  @Test("a counter that stands still at another value is not rejected for ever either")
  func stuckElsewhere() {
    var counter = EnergyCounter(
      unit: EnergyUnit(joulesPerCount: 1 / 16_384), bound: PowerBound(watts: 1000))
    _ = counter.record(1_000_000, at: 0)
    var changes: [CounterChange] = []
    for index in 1...260 as ClosedRange<Int64> { changes.append(counter.record(3_000_000_000, at: index * second)) }
    #expect(changes.first == .implausible && changes.contains(.gap) && changes.last == .idle)
    #expect(counter.total == 0)
  }

  @Test("no time, value, unit or bound traps", arguments: [1, 2] as [UInt64])
  func extremes(seed: UInt64) {
    var random = Seeded(state: seed)
    let times: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
    let values: [UInt32] = [0, 1, 0x7FFF_FFFF, 0x8000_0000, .max - 1, .max]
    for joulesPerCount in [1.0 / 2_147_483_648, 1 / 16_384, 1, 2147.483648] as [Double] {
      for watts in [1, 400, 10_000] as [Double] {
        var counter = EnergyCounter(
          unit: EnergyUnit(joulesPerCount: joulesPerCount), bound: PowerBound(watts: watts))
        var total: UInt64 = 0
        for _ in 0..<500 {
          guard let time = times.randomElement(using: &random), let value = values.randomElement(using: &random)
          else { continue }
          _ = counter.record(UInt64(value), at: time)
          #expect(counter.total >= total)
          total = counter.total
        }
      }
    }
  }

  @Test("at the bound itself every reading counts, a little beyond none", arguments: [0.25, 1, 10, 60] as [Double])
  func atTheBound(seconds: Double) {
    let most = UInt32(Double(mostInSecond) * seconds)
    for start in [1, 2_000_000_000, .max - 1000] as [UInt32] {
      var counter = EnergyCounter(
        unit: EnergyUnit(joulesPerCount: 1 / 16_384), bound: PowerBound(watts: 1000))
      _ = counter.record(UInt64(start), at: 0)
      var same = counter
      let time = Int64(seconds * 1e9)
      let counts = UInt64(most)
      #expect(
        counter.record(UInt64(start &+ most), at: time) == (start > .max - most ? .wrapped(counts) : .advanced(counts)))
      // 20 ms are allowed for a counter that shows late.
      let beyond = start &+ most &+ UInt32(Double(mostInSecond) * 0.021)
      if beyond > start { #expect(same.record(UInt64(beyond), at: time) == .implausible && same.total == 0) }
    }
  }
}
