internal import CMSRShim
public import RAPL

/// Adds watts up to energy, in microjoules since the first sample. Energy between windows is not counted, and makes the sum a
/// lower bound.
package struct RelayedEnergy {
  private static let unit = EnergyUnit(joulesPerCount: 1e-6, source: .sum)
  /// How far apart the end of a window and the start of the next may lie, in nanoseconds: the wire counts milliseconds.
  private static let tolerance: UInt64 = 1_000_000

  /// The latest sample of every package that ever appeared.
  private var readings: [EnergyReading] = []
  private var latestPackages: Set<PackageID> = []
  private var lastEnd: Int64?

  /// Before the first sample.
  package init() {}

  /// The window of a sample, with the energy at its two ends.
  ///
  /// - Parameter powers: the packages and domains of the sample, packages first.
  /// - Returns: nil if it has no window behind the one before: a window that is not positive is none, and ends never
  ///   go back.
  package mutating func add(_ sample: PowerSample, _ powers: [RelayedPower]) -> PowerWindow? {
    // Another program's clock may have any value, so sums wrap around.
    let start = sample.endMonotonicNanoseconds &- sample.windowNanoseconds
    guard sample.windowNanoseconds > 0, start < sample.endMonotonicNanoseconds,
      lastEnd.map({ sample.endMonotonicNanoseconds > $0 }) ?? true
    else { return nil }
    // The energy of a package that has gone is not counted, and is missing from the sum.
    let packages = Set(powers.map(\.package))
    let hasLost = !packages.isSuperset(of: latestPackages)
    latestPackages = packages
    let before = powers.map { power in
      let isGap = reading(of: power).map { (start &- $0.monotonicNanoseconds).magnitude > Self.tolerance } ?? false
      return reading(of: power, at: start, microjoules: 0, losing: isGap || hasLost)
    }
    keep(before)
    let after = powers.map { power in
      reading(
        of: power, at: sample.endMonotonicNanoseconds,
        microjoules: UInt64(clamping: power.watts * Double(sample.windowNanoseconds) / 1e3), losing: false)
    }
    keep(after)
    lastEnd = sample.endMonotonicNanoseconds
    let asleep = cmsr_boottime_nanoseconds() &- cmsr_monotonic_nanoseconds()
    func snapshot(_ readings: [EnergyReading], _ unix: Int64) -> EnergySnapshot {
      EnergySnapshot(readings: readings, unixNanoseconds: unix, asleepNanoseconds: asleep)
    }
    return PowerWindow(
      start: snapshot(before, sample.endUnixNanoseconds &- sample.windowNanoseconds),
      end: snapshot(after, sample.endUnixNanoseconds), sample: sample)
  }

  private mutating func keep(_ latest: [EnergyReading]) {
    readings.removeAll { old in latest.contains { $0.package == old.package && $0.domain == old.domain } }
    readings += latest
  }

  private func reading(of power: RelayedPower) -> EnergyReading? {
    readings.first { $0.package == power.package && $0.domain == power.domain }
  }

  private func reading(
    of power: RelayedPower, at time: Int64, microjoules: UInt64, losing: Bool
  ) -> EnergyReading {
    let last = reading(of: power)
    // The earlier energy of a new package was not counted.
    let isNew = last == nil && lastEnd != nil
    return EnergyReading(
      package: power.package, domain: power.domain, outcome: .read(.advanced(microjoules)),
      counts: (last?.counts ?? 0) &+ microjoules, unit: Self.unit,
      losses: (last?.losses ?? 0) &+ (losing || isNew ? 1 : 0), monotonicNanoseconds: time)
  }
}

/// Another program's measurement: the mean power of a package, or of a domain of it, over a sample's window.
public typealias RelayedPower = (package: PackageID, domain: PowerDomain, watts: Double)
