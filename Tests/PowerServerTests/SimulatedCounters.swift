import PowerSources
import RAPL

/// Random numbers that are the same for the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A package's energy counter of 32 bits in simulated time, with all that goes wrong with one.
struct SimulatedCounters {
  struct Unreadable: Error {}

  static let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
  private static let bound = PowerBound(watts: 2000)
  private var counter: EnergyCounter
  private var base: UInt64 = 3_000_000_000
  private var baseTime: Int64
  private var countsPerSecond: UInt64 = 700_000
  private var offset: UInt64 = 0
  private var stuckAt: UInt64?
  /// From step to step, in nanoseconds, if it is a hypervisor's.
  let period: Int64?

  var isFailing = false
  /// How many of the next readings show 0, as AMD's mobile parts do now and then.
  var oddReadings = 0
  /// How many times the counter was set anew, or stood still.
  private(set) var disturbances = 0

  init(at time: Int64, period: Int64?) {
    self.period = period
    counter = EnergyCounter(unit: Self.unit, bound: Self.bound, alwaysMoves: period == nil)
    baseTime = 0
    baseTime = shown(at: time)
  }

  /// All counts that were drawn.
  func drawn(at time: Int64) -> UInt64 {
    let (seconds, rest) = UInt64(time - baseTime).quotientAndRemainder(dividingBy: 1_000_000_000)
    return base + seconds * countsPerSecond + rest * countsPerSecond / 1_000_000_000
  }

  mutating func setPower(watts: Double, at time: Int64) {
    // Between steps nothing is seen to change.
    base = drawn(at: shown(at: time))
    baseTime = shown(at: time)
    countsPerSecond = UInt64(watts * 16_384)
  }

  /// It begins again at about 0.
  mutating func reset(at time: Int64) {
    offset = drawn(at: time) &- 1
    disturbances += 1
  }

  /// It shows the same value until it is told to go on.
  mutating func stick(at time: Int64) {
    stuckAt = stuckAt ?? drawn(at: time)
    disturbances += 1
  }

  mutating func goOn() {
    if stuckAt != nil { disturbances += 1 }
    stuckAt = nil
  }

  /// As of when it shows what it shows.
  func shown(at time: Int64) -> Int64 { period.map { time / $0 * $0 } ?? time }

  mutating func read(at time: Int64, asleep: Int64, domains: Bool, number: Int64) -> EnergySnapshot {
    let outcome: EnergyReading.Outcome
    if isFailing {
      outcome = .failed(Unreadable())
    } else {
      var value = ((stuckAt ?? drawn(at: shown(at: time))) &- offset) & 0xFFFF_FFFF
      if oddReadings > 0 {
        oddReadings -= 1
        value = 0
      }
      outcome = .read(counter.record(value, at: shown(at: time), asleep: asleep))
    }
    func reading(_ domain: PowerDomain, counts: UInt64) -> EnergyReading {
      EnergyReading(
        package: PackageID(package: 0), domain: domain, outcome: outcome, counts: counts, unit: Self.unit,
        losses: counter.losses, monotonicNanoseconds: shown(at: time))
    }
    var readings = [reading(.package, counts: counter.total)]
    if domains { readings.append(reading(.core, counts: counter.total / 2)) }
    // The number tells readings apart.
    return EnergySnapshot(readings: readings, unixNanoseconds: number, asleepNanoseconds: asleep)
  }

  /// As a source says it: the bound is raised if several readings agree that it is too low.
  var longestSeconds: Double {
    counter.bound.longestCertainSeconds(unit: Self.unit, range: EnergyCounter.registerRange)
  }

  /// How long a wrap takes at the bound, in nanoseconds.
  var wrapNanoseconds: Double { 4_294_967_296 * Self.unit.joulesPerCount / counter.bound.watts * 1e9 }
}
