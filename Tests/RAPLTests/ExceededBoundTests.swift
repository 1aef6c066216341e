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

  @Test("a counter that is set anew again and again is no reason to raise the bound, and never passes for a wrap")
  func resets() {
    for seed in 0..<20 as Range<UInt64> {
      var package = Package(seed: seed, exponent: 16, watts: 700)
      for _ in 0..<200 {
        package.watts = Double.random(in: 1...699, using: &package.random)
        for _ in 0..<Int.random(in: 1...5, using: &package.random) {
          package.pass(0.25)
          if package.value != 0 { package.read() }
        }
        package.offset = package.truth &- .random(in: 1..<EnergyCounter.registerRange, using: &package.random)
      }
      #expect(package.counter.bound.watts == 700)
      // One in 300 lands where 700 W would have led, and adds no more than these.
      #expect(Double(package.counter.total) < 1.02 * Double(package.drawn) && package.counter.losses > 100)
    }
  }
}
