import PowerSources
import RAPL
import Testing

/// A counter that an emulator sets now and then, in simulated time.
private struct Emulated {
  static let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
  var watts = 12.5
  /// From step to step in seconds, and how late a step may be.
  var period = 1.02
  var jitter = 0.0
  var stopsAfter = Int.max
  var start = UInt64(0x0100_0000)

  func step(_ number: Int) -> Double {
    let noise = Double((UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15) >> 40) / Double(1 << 24)
    return Double(number) * period + jitter * noise
  }

  /// What it shows at a time in nanoseconds.
  func value(_ time: Int64) -> UInt64 {
    let seconds = Double(time) / 1e9
    var number = min(Int(seconds / period), stopsAfter)
    while number > 0, step(number) > seconds { number -= 1 }
    let joules = number == 0 ? 0 : step(number) * watts
    return (start &+ UInt64(joules * 16_384)) & 0xFFFF_FFFF
  }

  /// How it is found to move, and when that is known.
  func probed(from time: Int64 = 300_000_000) -> (movement: CounterProbe.Movement?, time: Int64) {
    var probe = CounterProbe(start: time)
    var now = time
    while now < time + 10_000_000_000 {
      if let movement = probe.take(value(now), at: now) { return (movement, now) }
      now += CounterProbe.pause
    }
    return (nil, now)
  }
}

/// What a service does with it: looks at each point of a grid, and when the timer wants it.
private struct Watcher {
  var emulated: Emulated
  var stepped: SteppedCounter
  var counter = EnergyCounter(unit: Emulated.unit, bound: PowerBound(watts: 320), alwaysMoves: true)
  var meter = PowerMeter()
  var now: Int64
  var looks = 0
  /// A machine that is busy comes late for its looks.
  var lateness: Int64 = 0

  init?(_ emulated: Emulated) {
    let (movement, time) = emulated.probed()
    guard case .steps(let timer)? = movement else { return nil }
    self.emulated = emulated
    stepped = SteppedCounter(timer)
    now = time
    _ = meter.measure(look())
  }

  mutating func look() -> EnergySnapshot {
    looks += 1
    let change = stepped.record(emulated.value(now), at: now, into: &counter)
    let reading = EnergyReading(
      package: PackageID(package: 0), outcome: .read(change), counts: stepped.counts, unit: Emulated.unit,
      losses: stepped.losses, monotonicNanoseconds: stepped.nanoseconds)
    return EnergySnapshot(readings: [reading], unixNanoseconds: 0, asleepNanoseconds: 0)
  }

  /// Samples at the points of a grid.
  mutating func samples(every interval: Int64, seconds: Double) -> [PowerSample] {
    var samples: [PowerSample] = []
    let end = now + Int64(seconds * 1e9)
    var point = now + interval
    while now < end {
      let wanted = max(stepped.timer.nextReading, now + 1_000_000)
      now = min(point, wanted + (lateness == 0 ? 0 : Int64(looks * 7919 % 100) * lateness / 100))
      let snapshot = look()
      guard now == point else { continue }
      point += interval
      if case .window(let window) = meter.measure(snapshot) { samples.append(window.sample) }
    }
    return samples
  }
}

@Suite("A counter that moves in steps")
struct SteppedCounterTests {
  private static let machines: [Emulated] = [
    // QEMU 9.1, quiet and busy; others.
    Emulated(), Emulated(jitter: 0.03), Emulated(watts: 0.7, period: 1, jitter: 0.2), Emulated(period: 0.25),
    Emulated(watts: 200, period: 2.2, jitter: 0.01), Emulated(watts: 40, period: 0.03, jitter: 0.002),
    // Its 32 bits end within the minute.
    Emulated(watts: 90, start: 0xFFFF_FFFF - 20 * 90 * 16_384),
  ]

  @Test("is found out within two steps, whatever its period", arguments: machines)
  private func probe(emulated: Emulated) throws {
    let (movement, time) = emulated.probed()
    guard case .steps(let timer)? = movement else {
      Issue.record("\(String(describing: movement))")
      return
    }
    #expect(Double(time - 300_000_000) / 1e9 <= 2 * (emulated.period + emulated.jitter) + 0.01)
    #expect(abs(Double(timer.period) / 1e9 - emulated.period) <= emulated.jitter + 0.003)
  }

  @Test(
    "gives the watts within a hundredth over a minute, and never a window in which it stood or the half of one",
    arguments: machines, [250_000_000, 1_000_000_000, 4_000_000_000] as [Int64])
  private func watts(emulated: Emulated, interval: Int64) throws {
    var watcher = try #require(Watcher(emulated))
    let samples = watcher.samples(every: interval, seconds: 60)
    let seconds = samples.map { Double($0.windowNanoseconds) / 1e9 }.reduce(0, +)
    let joules = samples.map { $0.watts * Double($0.windowNanoseconds) / 1e9 }.reduce(0, +)
    #expect(abs(joules / seconds / emulated.watts - 1) < 0.01)
    #expect(seconds > 60 - 2 * (emulated.period + emulated.jitter) - 2 * Double(interval) / 1e9)
    for sample in samples {
      #expect(abs(sample.watts / emulated.watts - 1) < 0.02, "\(sample.watts) W over \(sample.windowNanoseconds) ns")
    }
    // A few looks for each step.
    #expect(watcher.looks < 60 * 120)
  }

  @Test("is timed by several steps where looks come late")
  func late() throws {
    var watcher = try #require(Watcher(Emulated(jitter: 0.01)))
    watcher.lateness = 100_000_000
    let samples = watcher.samples(every: 1_000_000_000, seconds: 120)
    #expect(samples.count > 10)
    for sample in samples { #expect(abs(sample.watts / 12.5 - 1) < 0.025, "\(sample.watts) W") }
  }

  @Test("what is updated all the time is not taken for one, nor what stands for one that steps")
  func others() {
    for period in [0.001, 0.004] {
      guard case .continuous? = Emulated(period: period).probed().movement else {
        Issue.record("\(period) s")
        continue
      }
    }
    for machine in [Emulated(stopsAfter: 0), Emulated(period: 7)] {
      guard case .stands? = machine.probed().movement else {
        Issue.record("\(machine)")
        continue
      }
    }
    var probe = CounterProbe(start: 0)
    #expect((0..<200).compactMap { probe.take(0, at: Int64($0) * 1_000_000) }.first == .zero)
  }

  @Test("one that stops gives no watts, and after it has gone on a new window begins")
  func stops() throws {
    var watcher = try #require(Watcher(Emulated(stopsAfter: 6)))
    let samples = watcher.samples(every: 1_000_000_000, seconds: 30)
    #expect(samples.count <= 5)
    watcher.emulated.stopsAfter = .max
    let later = watcher.samples(every: 1_000_000_000, seconds: 20)
    #expect(watcher.stepped.losses == 1 && later.count > 12)
    for sample in samples + later { #expect(abs(sample.watts / 12.5 - 1) < 0.02, "\(sample.watts) W") }
  }

  @Test("a zero in between, and a value that no power explains, are no steps")
  func glitches() throws {
    var watcher = try #require(Watcher(Emulated()))
    var values = [UInt64(0), 0x7000_0000]
    for _ in 0..<20 {
      _ = watcher.samples(every: 1_000_000_000, seconds: 2)
      let value = values[0]
      values.reverse()
      #expect(watcher.stepped.record(value, at: watcher.now, into: &watcher.counter) == .implausible)
    }
    let samples = watcher.samples(every: 1_000_000_000, seconds: 10)
    #expect(watcher.stepped.losses == 0 && samples.count >= 8)
    for sample in samples { #expect(abs(sample.watts / 12.5 - 1) < 0.02, "\(sample.watts) W") }
  }

  @Test("an odd value just before a step costs nothing")
  func oddBeforeStep() throws {
    var watcher = try #require(Watcher(Emulated(watts: 200)))
    _ = watcher.samples(every: 1_000_000_000, seconds: 5)
    for _ in 0..<10 {
      // 5 ms before the next step.
      let number = Int(Double(watcher.now) / 1e9 / watcher.emulated.period) + 1
      watcher.now = max(watcher.now, Int64(watcher.emulated.step(number) * 1e9) - 5_000_000)
      #expect(watcher.stepped.record(0x7000_0000, at: watcher.now, into: &watcher.counter) == .implausible)
      watcher.now += 1_000_000
      _ = watcher.look()
      for sample in watcher.samples(every: 1_000_000_000, seconds: 4) {
        #expect(abs(sample.watts / 200 - 1) < 0.02, "\(sample.watts) W")
      }
    }
    #expect(watcher.stepped.losses == 0)
  }

  @Test(
    "is found out, and never by a window of steps that are not known well, on a machine that comes late for its looks",
    arguments: [Emulated(), Emulated(period: 0.3), Emulated(period: 0.001)], 0..<8)
  private func lateProbe(emulated: Emulated, pattern: Int) throws {
    var probe = CounterProbe(start: 0)
    var now: Int64 = 0
    var movement: CounterProbe.Movement?
    var looks = 0
    while movement == nil {
      movement = probe.take(emulated.value(now), at: now)
      looks += 1
      // Now and then it is not there for longer than a step.
      let isLate = (looks + pattern) % 40 < 3 || looks <= pattern
      now += isLate ? 20_000_000 + Int64(pattern) * 150_000_000 : 1_000_000
      try #require(now < 60_000_000_000)
    }
    guard emulated.period > 0.02 else {
      #expect(movement == .continuous)
      return
    }
    guard case .steps(let timer)? = movement else {
      Issue.record("\(String(describing: movement))")
      return
    }
    var stepped = SteppedCounter(timer)
    var counter = EnergyCounter(unit: Emulated.unit, bound: PowerBound(watts: 320), alwaysMoves: true)
    var meter = PowerMeter()
    var samples = 0
    while samples < 5 {
      let change = stepped.record(emulated.value(now), at: now, into: &counter)
      let reading = EnergyReading(
        package: PackageID(package: 0), outcome: .read(change), counts: stepped.counts, unit: Emulated.unit,
        losses: stepped.losses, monotonicNanoseconds: stepped.nanoseconds)
      let snapshot = EnergySnapshot(readings: [reading], unixNanoseconds: 0, asleepNanoseconds: 0)
      if case .window(let window) = meter.measure(snapshot) {
        let sample = window.sample
        samples += 1
        #expect(abs(sample.watts / 12.5 - 1) < 0.025, "\(sample.watts) W")
      }
      now = max(stepped.timer.nextReading, now + 1_000_000)
      try #require(now < 120_000_000_000)
    }
  }
}
