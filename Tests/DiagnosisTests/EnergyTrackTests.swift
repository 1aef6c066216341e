import RAPL
import Testing

@testable import Diagnosis

@Suite("A track of energy")
struct EnergyTrackTests {
  private static let channel = DomainID(PackageID(package: 0), .package)
  private static let millisecond: Int64 = 1_000_000

  /// A track of readings: milliseconds, joules, losses.
  private func track(
    _ readings: [(Int64, UInt64, UInt32)], outcome: EnergyReading.Outcome = .read(.advanced(1)), keeping: Int64 = 60_000
  ) -> EnergyTrack {
    var track = EnergyTrack(keeping: keeping * Self.millisecond)
    for (time, joules, losses) in readings {
      track.record(
        EnergySnapshot(
          readings: [
            EnergyReading(
              package: PackageID(package: 0), outcome: outcome, counts: joules,
              unit: EnergyUnit(joulesPerCount: 1), losses: losses, monotonicNanoseconds: time * Self.millisecond)
          ], unixNanoseconds: 0, asleepNanoseconds: 0))
    }
    return track
  }

  private func watts(_ track: EnergyTrack, _ start: Int64, _ end: Int64) -> Double? {
    track.power(of: Self.channel, from: start * Self.millisecond, to: end * Self.millisecond)?.watts
  }

  @Test("gives the mean power between any two moments, in straight lines between readings")
  func between() {
    let track = track([(0, 0, 0), (100, 10, 0), (200, 10, 0), (300, 40, 0)])
    #expect(watts(track, 0, 300) == 40.0 / 0.3)
    #expect(watts(track, 50, 250) == 20.0 / 0.2)
    #expect(watts(track, 100, 200) == 0)
  }

  @Test("says how far its readings are from the moments")
  func apart() {
    let track = track([(0, 0, 0), (100, 10, 0), (200, 10, 0)])
    #expect(
      track.power(of: Self.channel, from: 0, to: 190 * Self.millisecond)?.apartNanoseconds == 10 * Self.millisecond)
    #expect(track.power(of: Self.channel, from: 0, to: 200 * Self.millisecond)?.apartNanoseconds == 0)
  }

  @Test("does not guess beyond its ends, over a loss, over a wide gap, or of what was never read")
  func unknown() {
    let track = track([(0, 0, 0), (100, 10, 0), (200, 10, 1), (300, 20, 1), (1000, 90, 1)])
    #expect(watts(track, -1, 100) == nil)
    #expect(watts(track, 0, 1001) == nil)
    #expect(watts(track, 0, 300) == nil)
    #expect(watts(track, 150, 300) == nil)
    #expect(watts(track, 200, 500) == nil)
    #expect(watts(track, 200, 1000) == 100)
    #expect(watts(track, 100, 100) == nil && watts(track, 100, 0) == nil)
    #expect(track.power(of: DomainID(PackageID(package: 1), .package), from: 0, to: 100) == nil)
  }

  @Test("takes in no reading that failed or was implausible", arguments: [true, false])
  func failed(implausible: Bool) {
    struct Failure: Error {}
    let track = track([(0, 0, 0), (100, 10, 0)], outcome: implausible ? .read(.implausible) : .failed(Failure()))
    #expect(track.channels.isEmpty && watts(track, 0, 100) == nil)
  }

  @Test("of a counter that moves in steps, says what was drawn up to a moment, and what the counter showed then")
  func steps() {
    var track = EnergyTrack(keeping: 60_000 * Self.millisecond, period: 1000 * Self.millisecond)
    // Read again and again, it says the latest step's.
    for (time, joules) in [(0, 0), (1000, 10), (2000, 20), (3000, 50), (5000, 70)] as [(Int64, UInt64)] {
      for _ in 0..<3 {
        track.record(
          EnergySnapshot(
            readings: [
              EnergyReading(
                package: PackageID(package: 0), outcome: .read(.idle), counts: joules,
                unit: EnergyUnit(joulesPerCount: 1), losses: 0, monotonicNanoseconds: time * Self.millisecond)
            ], unixNanoseconds: 0, asleepNanoseconds: 0))
      }
    }
    func shown(_ start: Int64, _ end: Int64) -> Double? {
      track.power(of: Self.channel, from: start * Self.millisecond, to: end * Self.millisecond, isAsShown: true)?.watts
    }
    #expect(watts(track, 500, 2500) == 15 && watts(track, 1000, 2000) == 10)
    #expect(shown(500, 2500) == 10 && shown(900, 1100) == 50 && shown(1100, 1900) == 0 && shown(1000, 3000) == 20)
    // When the counter stepped in between two readings that are two steps apart, nobody knows.
    #expect(watts(track, 3000, 4000) == 10 && shown(3000, 4000) == nil && shown(3000, 5000) == 10)
    #expect(watts(track, 4000, 5001) == nil)
  }

  @Test("forgets what is old, but not before")
  func forgetting() {
    let track = track((0...1000).map { (Int64($0) * 100, UInt64($0), 0) }, keeping: 10_000)
    #expect(watts(track, 95_000, 100_000) == 10)
    #expect(watts(track, 90_000, 100_000) == 10)
    #expect(watts(track, 0, 100_000) == nil)
  }
}
