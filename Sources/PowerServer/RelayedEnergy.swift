internal import CMSRShim
internal import RAPL

/// Adds watts up to energy, in microjoules since the first sample.
package struct RelayedEnergy {
  private static let unit = EnergyUnit(joulesPerCount: 1e-6, source: .sum)
  /// How far apart the end of a window and the start of the next may lie, as a part of it: turbostat's rows are means over
  /// windows of their own, and its lines come when they come.
  private static let tolerance = 0.1

  private var readings: [EnergyReading] = []
  private var lastEnd: Int64?

  /// Before the first sample.
  package init() {}

  /// The window of a sample, with the energy at its two ends.
  ///
  /// - Returns: nil where it has no window behind the one before: a window that is not positive is none, and ends never
  ///   go back.
  package mutating func add(_ relayed: RelayedSample) -> MeasuredWindow? {
    let sample = relayed.sample
    // What others say of their clocks may be anything: sums of it wrap around.
    let start = sample.endMonotonicNanoseconds &- sample.windowNanoseconds
    guard sample.windowNanoseconds > 0, start < sample.endMonotonicNanoseconds,
      lastEnd.map({ sample.endMonotonicNanoseconds > $0 }) ?? true
    else { return nil }
    let slack = UInt64(clamping: Double(sample.windowNanoseconds) * Self.tolerance)
    let isGap = lastEnd.map { (start &- $0).magnitude > slack } ?? false
    let before = relayed.powers.map { reading(of: $0, at: start, microjoules: 0, losing: isGap) }
    readings = before
    let after = relayed.powers.map { power in
      reading(
        of: power, at: sample.endMonotonicNanoseconds,
        microjoules: UInt64(clamping: power.watts * Double(sample.windowNanoseconds) / 1e3), losing: false)
    }
    readings = after
    lastEnd = sample.endMonotonicNanoseconds
    let asleep = cmsr_boottime_nanoseconds() &- cmsr_monotonic_nanoseconds()
    func snapshot(_ readings: [EnergyReading], _ unix: Int64) -> EnergySnapshot {
      EnergySnapshot(readings: readings, unixNanoseconds: unix, asleepNanoseconds: asleep)
    }
    return MeasuredWindow(
      start: snapshot(before, sample.endUnixNanoseconds &- sample.windowNanoseconds),
      end: snapshot(after, sample.endUnixNanoseconds), sample: sample)
  }

  private func reading(
    of power: RelayedSample.Power, at time: Int64, microjoules: UInt64, losing: Bool
  ) -> EnergyReading {
    let last = readings.first { $0.package == power.package && $0.domain == power.domain }
    // One that was not there before has drawn what nobody counted.
    let isNew = last == nil && lastEnd != nil
    return EnergyReading(
      package: power.package, domain: power.domain, outcome: .read(.advanced(microjoules)),
      counts: (last?.counts ?? 0) &+ microjoules, unit: Self.unit,
      losses: (last?.losses ?? 0) &+ (losing || isNew ? 1 : 0), monotonicNanoseconds: time)
  }
}
