import PowerSources
import RAPL
import Testing

/// A counter that moves in one way, and from some moment on in another; in simulated time.
private struct Changing: CustomTestStringConvertible {
  static let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
  let watts = 12.5
  /// From move to move in seconds, until the change and after it.
  let before: Double
  let after: Double
  let change: Double = 20
  /// How long it stands still at the change, in seconds, without counting.
  var stands: Double = 0

  var testDescription: String { "\(before) s, then \(after) s" }

  func value(_ time: Int64) -> UInt64 {
    let now = Double(time) / 1e9
    let seconds = min(now, max(change, now - stands))
    var shown = ((min(seconds, change) / before).rounded(.down)) * before
    let steps = ((seconds - change) / after).rounded(.down)
    if steps >= 1 { shown = change + steps * after }
    return 0x0100_0000 + UInt64(shown * watts * 16_384)
  }
}

/// What a service does with it: looks at each point of a grid, when the course wants it, and now and then soon after a point.
private struct Watcher {
  let changing: Changing
  var course: CounterCourse
  var counter = EnergyCounter(unit: Changing.unit, bound: PowerBound(watts: 320), alwaysMoves: true)
  var meter = PowerMeter()
  var now: Int64
  var looks = 0

  init?(_ changing: Changing) {
    self.changing = changing
    var probe = CounterProbe(start: 0)
    now = 0
    while true {
      let movement = probe.take(changing.value(now), at: now)
      switch movement {
      case nil: now += CounterProbe.pause
      case .continuous?:
        course = CounterCourse()
        return
      case .steps(let timer)?:
        course = CounterCourse(timer)
        return
      case .zero?, .stands?: return nil
      }
    }
  }

  mutating func look() -> EnergySnapshot {
    looks += 1
    let change = course.record(changing.value(now), at: now, into: &counter)
    let reading = EnergyReading(
      package: PackageID(package: 0), outcome: .read(change), counts: course.counts, unit: Changing.unit,
      losses: course.losses, monotonicNanoseconds: course.nanoseconds)
    return EnergySnapshot(readings: [reading], unixNanoseconds: 0, asleepNanoseconds: 0)
  }

  /// Samples at the points of a grid, and when each was known.
  mutating func samples(
    every interval: Int64, until end: Int64, checking: Int = 64
  ) -> [(sample: PowerSample, time: Int64)] {
    var samples: [(PowerSample, Int64)] = []
    var point = now + interval
    var points = 0
    while now < end {
      let check = points % checking == checking - 1 && course.isContinuous ? point - interval + 25_000_000 : .max
      var next = min(point, max(course.nextReading ?? .max, now + 1_000_000))
      if check > now { next = min(next, check) }
      now = next
      let snapshot = look()
      guard now == point else { continue }
      point += interval
      points += 1
      if case .window(let window) = meter.measure(snapshot) { samples.append((window.sample, now)) }
    }
    return samples
  }
}

@Suite("A counter that comes to move in another way")
struct CounterCourseTests {
  private static func seconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

  private func isRight(_ sample: PowerSample) -> Bool { abs(sample.watts / 12.5 - 1) < 0.02 }

  @Test(
    "in steps that are further apart than samples has the right watts, but for the windows until it was seen to stand",
    arguments: [0.3, 1.02, 2.2], [250_000_000, 1_000_000_000] as [Int64])
  func comesToStep(period: Double, interval: Int64) throws {
    guard Int64(period * 1e9) > interval else { return }
    var watcher = try #require(Watcher(Changing(before: 0.001, after: period)))
    let samples = watcher.samples(every: interval, until: Self.seconds(150))
    let wrong = samples.filter { !isRight($0.sample) }
    #expect(wrong.allSatisfy { $0.time >= Self.seconds(20) }, "\(wrong)")
    // Steps that are a little further apart than points leave one out now and then.
    let late = Self.seconds(20 + 2 * period) + interval * Int64(period / abs(period - Double(interval) / 1e9) + 3)
    #expect(wrong.allSatisfy { $0.time <= late } && wrong.count <= 4, "\(wrong.map { ($0.time, $0.sample.watts) })")
    #expect(samples.contains { $0.time > Self.seconds(140) } && watcher.course.isStepping)
  }

  @Test(
    "in steps that are closer than samples is found out by the looks that come now and then",
    arguments: [0.05, 0.3, 0.7])
  func comesToStepOften(period: Double) throws {
    var watcher = try #require(Watcher(Changing(before: 0.001, after: period)))
    let samples = watcher.samples(every: 1_000_000_000, until: Self.seconds(200))
    #expect(watcher.course.isStepping)
    // A check is due after each 64 points.
    let settled = samples.filter { $0.time > Self.seconds(90 + 3 * period) }
    #expect(settled.count > 80 && settled.allSatisfy { isRight($0.sample) })
  }

  @Test("all the time, or in closer or wider steps, keeps the right watts", arguments: [0.001, 0.25, 2.0])
  func stepsOtherwise(period: Double) throws {
    var watcher = try #require(Watcher(Changing(before: 1.02, after: period)))
    let samples = watcher.samples(every: 1_000_000_000, until: Self.seconds(120))
    #expect(samples.allSatisfy { isRight($0.sample) }, "\(samples.filter { !isRight($0.sample) })")
    #expect(samples.filter { $0.time > Self.seconds(100) }.count >= Int(20 / max(period, 1)) - 2)
    #expect(watcher.looks < 120 * 200)
  }

  @Test("so seldom that nobody waits for it has no watts, or the right ones", arguments: [0.001, 1.02])
  func stands(before: Double) throws {
    var watcher = try #require(Watcher(Changing(before: before, after: 60)))
    let samples = watcher.samples(every: 1_000_000_000, until: Self.seconds(300))
    let wrong = samples.filter { !isRight($0.sample) }
    // The window in which it stopped.
    #expect(wrong.count <= 1 && wrong.allSatisfy { $0.time < Self.seconds(23) }, "\(wrong)")
    #expect(watcher.looks < 30_000)
  }

  @Test(
    "after it stood for longer than a second begins a new window: none spans the time in which it did not count",
    arguments: [1.05, 1.4, 2.0, 2.4, 2.65, 2.9, 3.3, 3.7, 6.0], [250_000_000, 1_000_000_000] as [Int64])
  func longStandstill(stands: Double, interval: Int64) throws {
    var watcher = try #require(Watcher(Changing(before: 0.001, after: 0.001, stands: stands)))
    let samples = watcher.samples(every: interval, until: Self.seconds(60))
    let wrong = samples.filter { !isRight($0.sample) }
    // The window in which it stopped.
    let stop = Self.seconds(20)
    #expect(
      wrong.count <= 1 && wrong.allSatisfy { $0.time >= stop && $0.time <= stop + interval },
      "\(wrong.map { ($0.time, $0.sample.watts) })")
    let later = samples.filter { $0.time > stop + Self.seconds(stands) + 2 * interval }
    #expect(later.count >= Int(Self.seconds(30) / interval) && watcher.course.isContinuous)
    #expect(watcher.course.losses == 1)
  }

  @Test("only for a moment goes on, and nothing is lost")
  func shortStandstill() throws {
    var watcher = try #require(Watcher(Changing(before: 0.001, after: 0.001)))
    _ = watcher.samples(every: 1_000_000_000, until: Self.seconds(5))
    let value = watcher.changing.value(watcher.now)
    for _ in 0..<4 {
      watcher.now += 10_000_000
      let change = watcher.course.record(value, at: watcher.now, into: &watcher.counter)
      #expect(change == .idle)
    }
    let samples = watcher.samples(every: 1_000_000_000, until: Self.seconds(10))
    #expect(watcher.course.isContinuous && watcher.course.losses == 0 && samples.count >= 4)
    for (sample, _) in samples { #expect(isRight(sample)) }
  }
}
