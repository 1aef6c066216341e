import PowerSources
import RAPL
import Testing

private let second: Int64 = 1_000_000_000

/// A package that somebody looks at now and then, and its true energy.
struct Package {
  var random: Seeded
  let unit: EnergyUnit
  var counter: EnergyCounter
  var truth: UInt64
  /// What the register is away from the truth, since it was reset.
  var offset: UInt64 = 0
  var time: Int64 = 0
  var watts = 0.0
  private let start: UInt64

  init(seed: UInt64, exponent: Int, watts: Double, value: UInt64? = nil) {
    random = Seeded(state: seed)
    unit = EnergyUnit(joulesPerCount: 1 / Double(1 << exponent))
    counter = EnergyCounter(unit: unit, bound: PowerBound(watts: watts))
    truth = value ?? UInt64.random(in: 1..<EnergyCounter.registerRange, using: &random)
    start = truth
    _ = counter.record(truth, at: 0)
  }

  var value: UInt64 { (truth &- offset) % EnergyCounter.registerRange }
  var drawn: UInt64 { truth - start }
  var longestSeconds: Double { counter.bound.longestCertainSeconds(unit: unit, range: EnergyCounter.registerRange) }
  /// The time of a wrap at the bound.
  var wrapSeconds: Double { Double(EnergyCounter.registerRange) * unit.joulesPerCount / counter.bound.watts }

  mutating func pass(_ seconds: Double) {
    truth += UInt64(watts * seconds / unit.joulesPerCount)
    time += Int64(seconds * 1e9)
  }

  @discardableResult mutating func read() -> CounterChange { counter.record(value, at: time) }

  /// A look, and the early one that a doubt brings about.
  mutating func look() {
    read()
    for _ in 0..<3 where counter.isInDoubt {
      pass(0.25)
      read()
    }
  }
}

@Suite("Late looks at a counter")
struct LateReadingTests {
  @Test(
    "a look that comes 10 s late loses nothing up to 1.2 kW, idle or at the bound", arguments: [60, 400, 1160, 1200])
  func tenSecondsLate(watts: Int) {
    for exponent in [10, 14, 16] {
      for drawn in [5, Double(watts) / 2, Double(watts) * 0.999] {
        var package = Package(seed: UInt64(watts), exponent: exponent, watts: Double(watts))
        package.watts = drawn
        package.pass(1)
        package.look()
        for _ in 0..<50 {
          package.pass(package.longestSeconds + 10)
          package.look()
        }
        #expect(package.counter.total == package.drawn && !package.counter.isLowerBound, "\(exponent), \(drawn) W")
      }
    }
  }

  @Test("energy is lost only beyond 0.95 of a wrap at the bound", arguments: [0.71, 0.9, 0.94, 0.96, 1.5])
  func limit(share: Double) {
    var package = Package(seed: 1, exponent: 16, watts: 1160)
    package.watts = 20
    package.pass(1)
    package.look()
    package.pass(package.wrapSeconds * share)
    #expect((package.read() == .gap) == (share > 0.95))
    #expect(package.counter.isLowerBound == (share > 0.95))
  }

  @Test(
    "the total is the truth or says that it is a lower bound: wraps, zeros, and looks that come late, at any power",
    arguments: 10...20, [1, 2] as [UInt64])
  func truth(exponent: Int, seed: UInt64) {
    var package = Package(seed: seed, exponent: exponent, watts: 700)
    var settled: (losses: UInt32, total: UInt64, drawn: UInt64) = (0, 0, 0)
    var exact = 0
    for _ in 0..<20_000 {
      if Int.random(in: 0..<4, using: &package.random) == 0 {
        package.watts = Double.random(in: 1...699, using: &package.random)
      }
      // Awake, asleep, or late.
      let most = package.wrapSeconds * 0.93
      switch Int.random(in: 0..<3, using: &package.random) {
      case 0: package.pass(min(1, most))
      case 1: package.pass(package.longestSeconds)
      default: package.pass(Double.random(in: 0.05...max(most, 0.1), using: &package.random))
      }
      if Int.random(in: 0..<5, using: &package.random) == 0 {
        #expect(package.counter.record(0, at: package.time) == .implausible)
      }
      if package.value == 0 { continue }
      package.look()
      #expect(package.counter.total <= package.drawn)
      // Where nothing was lost and all is settled, what was counted since is what was drawn since, to the count.
      if package.counter.losses == settled.losses && !package.counter.isInDoubt {
        #expect(package.counter.total - settled.total == package.drawn - settled.drawn)
        exact += 1
      }
      if !package.counter.isInDoubt { settled = (package.counter.losses, package.counter.total, package.drawn) }
    }
    #expect(exact > 10_000)
    #expect(package.drawn >> 32 > 100)
  }

  @Test("steady power is exact through any number of long steps", arguments: 10...20)
  func steady(exponent: Int) {
    var package = Package(seed: 5, exponent: exponent, watts: 700)
    package.watts = 600
    for _ in 0..<2000 {
      package.pass(package.longestSeconds * Double.random(in: 0.3...1.3, using: &package.random))
      if package.value != 0 { package.look() }
    }
    #expect(package.counter.total == package.drawn && !package.counter.isLowerBound)
  }

  @Test("a load that begins in a sleep is believed with the reading after it, one that has gone is a lower bound")
  func settled() {
    for (later, losses) in [(600.0, 0), (20, 1)] as [(Double, UInt32)] {
      var package = Package(seed: 2, exponent: 16, watts: 700)
      package.watts = 20
      package.pass(1)
      package.look()
      package.watts = 600
      package.pass(package.longestSeconds)
      #expect(package.read() == .implausible && package.counter.isInDoubt)
      package.watts = later
      package.pass(0.25)
      package.read()
      #expect(package.counter.losses == losses && package.counter.total <= package.drawn)
      #expect(losses > 0 || package.counter.total == package.drawn)
    }
  }

  @Test("a reset in a sleep passes for no long wrap", arguments: 10...20, [1, 2] as [UInt64])
  func resets(exponent: Int, seed: UInt64) {
    var random = Seeded(state: seed)
    for _ in 0..<500 {
      var package = Package(seed: random.next(), exponent: exponent, watts: 700)
      package.watts = Double.random(in: 1...300, using: &random)
      package.pass(min(1, package.longestSeconds))
      package.look()
      let before = package.counter.total
      package.pass(package.longestSeconds * Double.random(in: 0...1, using: &random))
      package.offset = package.truth - 1
      package.pass(package.longestSeconds * Double.random(in: 0...0.3, using: &random))
      package.look()
      package.pass(0.25)
      package.look()
      // What looks like a long step has, if it is believed, about the power that there was; a short one may be a wrap.
      let most = Double(package.drawn - before) * 1.15 + Double(EnergyCounter.registerRange / 4)
      #expect(Double(package.counter.total - before) <= most)
      #expect(package.counter.total <= package.drawn || !package.counter.isLowerBound)
    }
  }

  @Test("what looks like a step of more than a quarter of the range is a lower bound after a reset")
  func explicitReset() {
    var package = Package(seed: 3, exponent: 16, watts: 1160, value: EnergyCounter.registerRange / 2)
    package.watts = 50
    package.pass(1)
    package.look()
    // Half of the range is missing to the end: as a wrap it would be 800 W, of which the power before and after knows nothing.
    package.offset = package.truth
    package.pass(package.longestSeconds)
    package.look()
    #expect(package.counter.isLowerBound && package.counter.total <= package.drawn)
    #expect(package.counter.total > package.drawn * 9 / 10)
  }

  @Test(
    "a part that draws more than its bound is measured after a few readings, and nothing of it is lost",
    arguments: [0.25, 1] as [Double], [400, 600, 1150, 5000] as [Double])
  func aboveTheBound(seconds: Double, watts: Double) {
    var package = Package(seed: 4, exponent: 16, watts: 320)
    package.watts = watts
    var readings = 0
    repeat {
      // A count more or less, as hardware is.
      package.watts = watts * Double.random(in: 0.97...1.03, using: &package.random)
      package.pass(seconds)
      package.read()
      readings += 1
    } while package.counter.total == 0 && readings < 20
    #expect(readings <= 4)
    #expect(package.counter.total == package.drawn && !package.counter.isLowerBound)
    #expect(package.counter.bound.watts > watts && package.counter.bound.watts < 1.6 * watts)
    package.watts = watts
    package.pass(package.longestSeconds)
    package.look()
    #expect(package.counter.total == package.drawn && !package.counter.isLowerBound)
  }

  @Test("values that no machine reaches raise no bound, however well they agree")
  func junkAgrees() {
    var package = Package(seed: 6, exponent: 16, watts: 320)
    package.watts = 20_000
    for _ in 0..<8 {
      package.pass(1)
      #expect(package.read() == .implausible)
    }
    #expect(package.counter.bound.watts == 320 && package.counter.total == 0 && !package.counter.isLowerBound)
  }

  @Test("only so many readings in a row are worth an early look each")
  func patience() {
    var package = Package(seed: 7, exponent: 16, watts: 320)
    var early = 0
    for index in 0..<100 {
      package.time += 250_000_000
      _ = package.counter.record(index.isMultiple(of: 2) ? 0x5000_0000 : 0xD000_0000, at: package.time)
      if package.counter.isInDoubt { early += 1 }
    }
    #expect((1...20).contains(early))
  }
}
