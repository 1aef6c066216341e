import PowerSources
import RAPL
import Testing

private let second: Int64 = 1_000_000_000
private let bound = PowerBound(watts: 1000)

/// A machine of one 40 W package, whose readings can be told one by one.
private struct Desk {
  let unit: EnergyUnit
  var counter: EnergyCounter
  var meter = PowerMeter()

  init(joulesPerCount: Double = 1 / 16_384, start: UInt32) {
    unit = EnergyUnit(joulesPerCount: joulesPerCount)
    counter = EnergyCounter(unit: unit, bound: bound)
    _ = measure(start, at: 0)
  }

  /// The watts after this reading; nil is a read that failed.
  mutating func measure(
    _ value: UInt32?, at time: Int64, unix: Int64 = 0, asleep: Int64 = 0
  ) -> Double? {
    let outcome: EnergyReading.Outcome =
      value.map { .read(counter.record(UInt64($0), at: time + asleep)) } ?? .failed(Denied())
    let reading = EnergyReading(
      package: PackageID(package: 0), outcome: outcome, counts: counter.total, unit: unit, losses: counter.losses,
      monotonicNanoseconds: time)
    let snapshot = EnergySnapshot(readings: [reading], unixNanoseconds: unix, asleepNanoseconds: asleep)
    if case .window(let window) = meter.measure(snapshot) { return window.sample.watts }
    return nil
  }
}

private struct Denied: Error {}

@Suite("Bugs of other programs that are not ours")
struct PeerBugTests {
  @Test(
    "cpu-energy-meter, powerjoular #87: one domain wraps with another's range (260 kW)",
    arguments: [1.0 / 65_536, 1 / 16_384, 0.000_061, 1] as [Double])
  func wrapRange(joulesPerCount: Double) throws {
    // The range is 2^32 counts in whatever unit: nothing else takes part in it.
    var desk = Desk(joulesPerCount: joulesPerCount, start: .max - 10)
    let step = UInt32(max(40 / joulesPerCount, 1))
    let watts = desk.measure((.max - 10) &+ step, at: second)
    #expect(abs(try #require(watts) - 40) < 0.001)
  }

  @Test("telegraf: equal readings are counted as a wrap (a 262 kJ spike)")
  func equalReadings() throws {
    var desk = Desk(start: 5_000_000)
    for index in 1...3 as ClosedRange<Int64> { #expect(desk.measure(5_000_000, at: index * second) == nil) }
    let watts = desk.measure(5_000_000 + 4 * 655_360, at: 4 * second)
    #expect(abs(try #require(watts) - 40) < 0.001)
    #expect(desk.counter.total == 4 * 655_360)
  }

  @Test("pcm, codecarbon: a read that fails is a value of 0, hence a wrap", arguments: [nil, 0] as [UInt32?])
  func failedReadIsNoZero(value: UInt32?) throws {
    var desk = Desk(start: 4_000_000_000)
    #expect(desk.measure(value, at: second) == nil)
    let watts = desk.measure(4_000_000_000 + 2 * 655_360, at: 2 * second)
    #expect(abs(try #require(watts) - 40) < 0.001)
    #expect(desk.counter.total == 2 * 655_360 && !desk.counter.isLowerBound)
  }

  @Test("scaphandre #280, EnergiBridge #17: a wrap is not followed at all")
  func wrap() throws {
    var desk = Desk(start: .max - 300_000)
    var value = UInt32.max - 300_000
    for index in 1...3 as ClosedRange<Int64> {
      value &+= 655_360
      let watts = desk.measure(value, at: index * second)
      #expect(abs(try #require(watts) - 40) < 0.001)
    }
    #expect(desk.counter.total == 3 * 655_360)
  }

  @Test("powerstat: package, core, uncore, DRAM and platform are added up")
  func onlyPackagesAreSummed() {
    // A reading belongs to a package, and there is one register for it: no other domain can enter the sum.
    for map in [RegisterMap.intel, .amd] {
      let registers = PowerDomain.allCases.compactMap { map.energy(of: $0) }
      #expect(Set(registers).count == registers.count)
      #expect(registers.first == map.energy(of: .package))
    }
  }

  @Test("most of them: an interval by the time of day, which somebody may set", arguments: [-3600, 3600] as [Int64])
  func wallClock(change: Int64) throws {
    var desk = Desk(start: 5_000_000)
    let watts = desk.measure(5_655_360, at: second, unix: change * second)
    #expect(abs(try #require(watts) - 40) < 0.001)
  }

  @Test(
    "s-tui #29, #37: wrong power after suspend", arguments: [0, 40 * 16_384] as [UInt32], [10, 3600] as [Int64])
  func suspend(drawnAsleep: UInt32, seconds: Int64) throws {
    var desk = Desk(start: 5_000_000)
    let sleep = seconds * second
    let value = 5_655_360 + drawnAsleep
    #expect(desk.measure(value, at: second, asleep: sleep) == nil)
    let watts = desk.measure(value + 655_360, at: 2 * second, asleep: sleep)
    #expect(abs(try #require(watts) - 40) < 0.001)
  }

  @Test("scaphandre #214: 0 W where permission is denied")
  func denied() {
    var desk = Desk(start: 5_000_000)
    for index in 1...5 as ClosedRange<Int64> { #expect(desk.measure(nil, at: index * second) == nil) }
  }
}
