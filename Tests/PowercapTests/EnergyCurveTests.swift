import Testing

@testable import Powercap

/// A power that changes, and the windows in which a service reads its energy.
private struct SimulatedService {
  private var random: SeededNumbers
  private let watts: (Int) -> Double
  /// When the next reading is due, in seconds, and the energy until the latest one.
  private(set) var due: Double
  private(set) var energy: (seconds: Double, joules: Double)
  let step = 0.25

  init(seed: UInt64, start: Double = 1000, watts: @escaping (Int) -> Double) {
    random = SeededNumbers(seed)
    self.watts = watts
    due = start
    energy = (start - 1, 0)
  }

  /// The energy at a moment that lies after the latest one, in millisecond steps.
  private mutating func advance(to seconds: Double) {
    while energy.seconds < seconds {
      // Half a millisecond more, because the product may be a little less than it should.
      let next = min(seconds, ((energy.seconds * 1000 + 0.5).rounded(.down) + 1) / 1000)
      energy.joules += watts(Int(energy.seconds * 1000)) * (next - energy.seconds)
      energy.seconds = next
    }
  }

  /// The next reading: its end, its window and its energy, rounded as the service rounds, and the exact energy.
  mutating func next() -> (seconds: Double, window: Double, joules: Double, inWindow: Double, exact: Double) {
    let before = energy
    advance(to: due + random.next(below: 0.01))
    // One in twenty is missing.
    due += random.next(below: 1) < 0.05 ? 2 * step : step
    let window = energy.seconds - before.seconds
    let watts = ((energy.joules - before.joules) / window * 100).rounded() / 100
    return (
      (energy.seconds * 1000).rounded() / 1000, (window * 1000).rounded() / 1000, (energy.joules * 100).rounded() / 100,
      watts * window, energy.joules
    )
  }
}

private struct SeededNumbers {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next(below most: Double) -> Double {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Double(state >> 11) / 9_007_199_254_740_992 * most
  }
}

@Suite("The energy between two readings")
struct EnergyCurveTests {
  /// A reader that comes at random moments. Returns every moment with its value in joules, unwrapped.
  private static func read(
    _ service: SimulatedService, seed: UInt64, seconds: Double,
    each: (_ now: Double, _ value: EnergyCurve.Value, _ latest: Double, _ exact: Double) -> Void
  ) -> EnergyCurve {
    var (service, curve, random) = (service, EnergyCurve(), SeededNumbers(seed &+ 77))
    var now = service.due
    let end = now + seconds
    while now < end {
      let reading = service.next()
      curve.add(
        seconds: reading.seconds, windowSeconds: reading.window, joules: reading.joules, windowJoules: reading.inWindow)
      // It arrives a little later than it was made, and is read until the next one arrives.
      now = reading.seconds + 0.001
      while now < service.due {
        each(now, curve.value(at: now, stepSeconds: service.step), reading.seconds, reading.exact)
        now += random.next(below: 0.2)
      }
    }
    return curve
  }

  @Test("never goes back, and is never more than was counted, whatever the load", arguments: 1...40)
  func monotonic(seed: Int) {
    var levels = SeededNumbers(UInt64(seed))
    let steps = (0..<100).map { _ in levels.next(below: 200) }
    var last: UInt64 = 0
    var values = 0
    _ = Self.read(
      SimulatedService(seed: UInt64(seed)) { steps[$0 / 700 % 100] }, seed: UInt64(seed), seconds: 60
    ) { now, value, latest, exact in
      switch value {
      case .microjoules(let value):
        #expect(value >= last)
        #expect(Double(value) / 1e6 <= exact + 0.005_001)
        last = value
        values += 1
      case .afterNextReading: #expect(now - 0.275 > latest)
      case .unknown: Issue.record("there was a reading")
      }
    }
    #expect(values > 300)
  }

  @Test("grows at exactly a steady power, read at any moment", arguments: [0, 0.5, 42.5, 400])
  func steady(watts: Double) {
    var first: (Double, UInt64)?
    _ = Self.read(SimulatedService(seed: 5) { _ in watts }, seed: 9, seconds: 60) { now, value, _, _ in
      guard case .microjoules(let value) = value else { return }
      if let first {
        // Rounded at both ends: 5 mJ, and half a millisecond of the power.
        let wrong = Double(value - first.1) / 1e6 - watts * (now - first.0)
        #expect(abs(wrong) <= 2 * (0.005 + 0.0005 * watts) + 1e-6)
      } else {
        first = (now, value)
      }
    }
    #expect(first != nil)
  }

  private func curve(_ readings: [(seconds: Double, window: Double, joules: Double, inWindow: Double)]) -> EnergyCurve {
    var curve = EnergyCurve()
    for reading in readings {
      curve.add(
        seconds: reading.seconds, windowSeconds: reading.window, joules: reading.joules, windowJoules: reading.inWindow)
    }
    return curve
  }

  private func value(_ curve: EnergyCurve, at now: Double) -> EnergyCurve.Value {
    var curve = curve
    return curve.value(at: now, stepSeconds: 0.25)
  }

  @Test(
    "is unknown before the first reading, and then moves at the first window's power from the moment that is asked for")
  func beginning() {
    #expect(value(EnergyCurve(), at: 5) == .unknown)
    let first = curve([(10, 0.25, 100, 10)])
    // Who asked half a second before the reading has waited for it.
    #expect(value(first, at: 9.5) == .microjoules(UInt64(((90 - 40 * 0.525) * 1e6).rounded())))
    #expect(value(first, at: 10.025) == .microjoules(90_000_000))
    #expect(value(first, at: 10.15) == .microjoules(95_000_000))
    #expect(value(first, at: 10.276) == .afterNextReading)
  }

  @Test(
    "begins before the service's own count if it was asked for before, and does not go back behind what it has shown")
  func begins() {
    var early = curve([(10, 0.25, 10, 10)])
    #expect(early.value(at: 9.775, stepSeconds: 0.25) == .microjoules(0))
    #expect(early.value(at: 10.275, stepSeconds: 0.25) == .microjoules(20_000_000))
    early.add(seconds: 10.25, windowSeconds: 0.25, joules: 20, windowJoules: 10)
    #expect(early.value(at: 10.525, stepSeconds: 0.25) == .microjoules(30_000_000))
    var shown = curve([(10, 0.25, 100, 10), (10.25, 0.25, 110, 10)])
    #expect(shown.value(at: 10.4, stepSeconds: 0.25) == .microjoules(105_000_000))
    #expect(shown.value(at: 9.9, stepSeconds: 0.25) == .microjoules(105_000_000))
  }

  @Test("has the energy of a time in which nobody subscribed")
  func gap() {
    let curve = curve([(10, 0.25, 100, 10), (110, 0.25, 2000, 10)])
    #expect(value(curve, at: 110.275) == .microjoules(2_000_000_000))
    #expect(value(curve, at: 110.025) == .microjoules(1_990_000_000))
    // Of the time before, only the mean is known.
    #expect(value(curve, at: (109.75 + 10) / 2 + 0.275) == .microjoules(1_045_000_000))
  }

  @Test("continues if the service was restarted")
  func restart() {
    let curve = curve([(10, 0.25, 100, 10), (20, 0.25, 3, 2), (20.25, 0.25, 5, 2)])
    #expect(value(curve, at: 20.525) == .microjoules(105_000_000))
    #expect(value(curve, at: 20.275) == .microjoules(103_000_000))
  }

  @Test("waits for counters that move in longer steps")
  func steps() {
    let curve = curve([(9, 1, 0, 0), (10, 1, 10, 10), (11, 1, 20, 10), (12, 1, 30, 10), (13.25, 1.25, 42, 12)])
    #expect(value(curve, at: 13.6) == .microjoules(30_000_000 + UInt64(12_000_000.0 * 0.5 / 1.25)))
  }

  @Test("ignores readings that are older than the latest")
  func older() {
    #expect(
      value(curve([(10, 0.25, 100, 10), (10, 0.25, 120, 10), (9, 0.25, 90, 10)]), at: 10.275)
        == .microjoules(100_000_000))
  }

  @Test("starts again from 0 after the largest number of max_energy_range_uj")
  func wrap() {
    let range = Double(EnergyZone.range) / 1e6
    #expect(value(curve([(10, 0.25, range + 0.000_002, 0)]), at: 10.275) == .microjoules(2))
    #expect(value(curve([(10, 0.25, range - 0.000_001, 0)]), at: 10.275) == .microjoules(EnergyZone.range - 1))
  }

  @Test("survives numbers that no machine has", arguments: [0, 1e15, 1e24])
  func absurd(joules: Double) {
    let curve = curve([(0, 1e9, joules, 1e24), (1e-9, 0, joules, 0), (1e10, 1e9, joules, joules)])
    for now in [-1, 0, 0.3, 1e10, 1e10 + 0.275, 1e12] { _ = value(curve, at: now) }
  }
}
