import RAPL
import Testing

@testable import PowerServer

extension RelayedEnergy {
  /// Adds a sample of packages 0, 1 and so on.
  fileprivate mutating func add(_ watts: [Double], end: Int64, window: Int64) -> PowerWindow? {
    let sample = PowerSample(
      watts: watts.reduce(0, +), windowNanoseconds: window, endMonotonicNanoseconds: end, endUnixNanoseconds: end)
    return add(sample, watts.enumerated().map { (PackageID(package: $0), .package, $1) })
  }
}

@Suite("Energy of what somebody else has measured")
struct RelayedEnergyTests {
  private func there(_ window: PowerWindow?) throws -> PowerWindow { try #require(window) }

  @Test("adds up over windows that follow each other, and is a lower bound after a gap or a newcomer")
  func sums() throws {
    var energy = RelayedEnergy()
    func add(_ watts: [Double], end: Int64) throws -> PowerWindow {
      try there(energy.add(watts, end: end * 1_000_000_000, window: 1_000_000_000))
    }
    let first = try add([40, 20], end: 1)
    let second = try add([10, 5], end: 2)
    #expect(first.joules == 60 && second.joules == 15)
    #expect(second.end.readings.map(\.counts) == [50_000_000, 25_000_000])
    #expect(second.end.readings.allSatisfy { $0.losses == 0 })
    let late = try add([10, 5], end: 9)
    #expect(late.end.readings.map(\.losses) == [1, 1])
    let newcomer = try add([10, 5, 5], end: 10)
    #expect(newcomer.end.readings.map(\.losses) == [1, 1, 1])
  }

  @Test("a gap makes a lower bound however short it is beside the window", arguments: [2, 300, -300] as [Int64])
  func shortGap(milliseconds: Int64) throws {
    var energy = RelayedEnergy()
    _ = try there(energy.add([40], end: 60_000_000_000, window: 60_000_000_000))
    let end = 120_000_000_000 + milliseconds * 1_000_000
    let later = try there(energy.add([40], end: end, window: 60_000_000_000))
    #expect(later.end.readings.map(\.losses) == [1])
  }

  @Test("a package that goes makes the rest a lower bound, and its own energy goes on once it is back")
  func away() throws {
    var energy = RelayedEnergy()
    func add(_ watts: [Double], end: Int64) throws -> PowerWindow {
      try there(energy.add(watts, end: end * 1_000_000_000, window: 1_000_000_000))
    }
    _ = try add([40, 20], end: 1)
    #expect(try add([10], end: 2).end.readings.map(\.losses) == [1])
    #expect(try add([10], end: 3).end.readings.map(\.losses) == [1])
    let back = try add([10, 5], end: 4)
    #expect(back.end.readings.map(\.losses) == [1, 1])
    #expect(back.end.readings.map(\.counts) == [70_000_000, 25_000_000])
  }

  @Test(
    "a window that is not positive, or ends no later than the one before, is none",
    arguments: [
      (2_000_000_000, 0), (2_000_000_000, -700_000_000), (2_000_000_000, .min), (1_000_000_000, 500_000_000),
      (300_000_000, 1_000_000_000), (.min, 1), (.min, .max),
    ] as [(Int64, Int64)])
  func none(end: Int64, window: Int64) throws {
    var energy = RelayedEnergy()
    let first = try there(energy.add([40, 20], end: 1_000_000_000, window: 1_000_000_000))
    let none = energy.add([40, 20], end: end, window: window)
    #expect(none == nil)
    let next = try there(energy.add([40, 20], end: 2_000_000_000, window: 1_000_000_000))
    #expect(next.start.readings.map(\.counts) == first.end.readings.map(\.counts))
  }

  @Test("watts that cannot be add no energy, and trap nothing", arguments: [-.infinity, -1, .nan] as [Double])
  func absurd(watts: Double) throws {
    var energy = RelayedEnergy()
    let sample = try there(energy.add([watts, watts], end: 1_000_000_000, window: 1_000_000_000))
    #expect(sample.joules == 0)
    for number in 1...3 as ClosedRange<Int64> {
      _ = energy.add([1e300, .infinity], end: .max - 10 + number, window: .max)
    }
  }

  @Test("windows that wait for each other are sent as one, over the time of both")
  func joined() throws {
    var energy = RelayedEnergy()
    let first = try there(energy.add([40, 20], end: 1_000_000_000, window: 1_000_000_000))
    let second = try there(energy.add([10, 5], end: 4_000_000_000, window: 3_000_000_000))
    let both = first.joined(by: second)
    #expect(both.sample.watts == 26.25 && both.watts(of: 0) == 17.5 && both.watts(of: 1) == 8.75)
    #expect(both.sample.windowNanoseconds == 4_000_000_000 && both.joules == first.joules + second.joules)
    #expect(both.sample.endMonotonicNanoseconds == second.sample.endMonotonicNanoseconds)
    let other = try there(energy.add([10], end: 5_000_000_000, window: 1_000_000_000))
    #expect(both.joined(by: other).sample == other.sample)
    // Watts from before a gap are not the mean of a window that ends after it.
    let late = try there(energy.add([20], end: 16_000_000_000, window: 1_000_000_000))
    #expect(other.joined(by: late).sample == late.sample)
    let next = try there(energy.add([10], end: 17_000_000_000, window: 1_000_000_000))
    #expect(late.joined(by: next).sample.watts == 15)
  }
}
