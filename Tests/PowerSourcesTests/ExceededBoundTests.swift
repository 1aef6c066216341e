import PowerSources
import RAPL
import Testing

@Suite("Power above the bound")
struct ExceededBoundTests {
  /// How the power of a part varies, from look to look.
  enum Load: CaseIterable {
    case above, around, square, spikes

    func watts(_ index: Int, _ random: inout Seeded) -> Double {
      switch self {
      case .above: .random(in: 280...480, using: &random)
      case .around: .random(in: 150...480, using: &random)
      case .square: index.isMultiple(of: 2) ? 480 : 200
      case .spikes: index.isMultiple(of: 10) ? 480 : 240
      }
    }
  }

  @Test(
    "power that varies above the bound is measured after a few readings, and nothing is lost from then on",
    arguments: Load.allCases, [0.25, 1] as [Double])
  func varying(load: Load, seconds: Double) {
    for seed in 0..<300 as Range<UInt64> {
      // One core.
      var package = Package(seed: seed, exponent: 16, watts: 260)
      var silent = 0
      var longest = 0
      for index in 0..<200 {
        package.watts = load.watts(index, &package.random)
        package.pass(seconds)
        let losses = package.counter.losses
        switch package.read() {
        case .advanced, .wrapped: silent = 0
        default: silent += 1
        }
        longest = max(longest, silent)
        #expect(package.counter.total <= package.drawn)
        if index >= 100 { #expect(package.counter.losses == losses) }
      }
      #expect(longest <= 10, "no reading for \(longest) looks, seed \(seed)")
      #expect(package.counter.bound.watts <= 1.5 * 480)
    }
  }

  @Test("jumps that come now and then, far above the bound, are never power, though some machine might draw it")
  func jumps() {
    for seed in 0..<20 as Range<UInt64> {
      var package = Package(seed: seed, exponent: 14, watts: 440)
      package.watts = 50
      var jumps: UInt64 = 0
      for index in 0..<200 {
        package.pass(1)
        if index % 4 == 3 {
          package.offset = package.offset &- 100_000_000
          jumps += 1
        }
        package.read()
        #expect(package.counter.total <= package.drawn, "after \(jumps) jumps")
      }
      #expect(package.counter.bound.watts == 440 && jumps == 50)
    }
  }

  @Test(
    "a counter that is set anew again and again is no reason to raise the bound, and never passes for a wrap",
    arguments: [(0.25, 1.02), (20, 1.5)] as [(Double, Double)])
  func resets(seconds: Double, most: Double) {
    for seed in 0..<20 as Range<UInt64> {
      var package = Package(seed: seed, exponent: 16, watts: 700)
      for _ in 0..<200 {
        package.watts = Double.random(in: 1...300, using: &package.random)
        for _ in 0..<Int.random(in: 1...5, using: &package.random) {
          package.pass(seconds)
          if package.value != 0 { package.read() }
        }
        package.offset = package.truth &- .random(in: 1..<EnergyCounter.registerRange, using: &package.random)
      }
      #expect(package.counter.bound.watts == 700)
      // Some land where 700 W would have led, and add no more than these.
      #expect(Double(package.counter.total) < most * Double(package.drawn) && package.counter.losses > 100)
    }
  }

  @Test("a counter that shows a second's energy at once draws no more for that, as in a virtual machine")
  func lumps() {
    let unit = EnergyUnit(joulesPerCount: 1.0 / 65_536)
    var counter = EnergyCounter(unit: unit, bound: PowerBound(watts: 460))
    let lump = UInt64(400 * 1.02 * 65_536)
    for index in 0..<400 as Range<Int64> {
      let lumps = UInt64(index * 250 / 1020)
      _ = counter.record((1000 + lumps * lump) % EnergyCounter.registerRange, at: index * 250_000_000)
    }
    #expect(counter.bound.watts == 460 && counter.losses == 0 && counter.total >= lump * 96)
    // And a jump after all of them is still a counter that was set anew.
    let (value, time) = (1000 + counter.total, 400 * 250_000_000 as Int64)
    _ = counter.record((value + 1) % EnergyCounter.registerRange, at: time)
    let jump = value + 600 * 65_536
    #expect(counter.record(jump % EnergyCounter.registerRange, at: time + 250_000_000) == .implausible)
    #expect(counter.record((jump + 50 * 65_536) % EnergyCounter.registerRange, at: time + 500_000_000) == .reset)
    #expect(counter.bound.watts == 460 && counter.losses == 1)
  }
}
