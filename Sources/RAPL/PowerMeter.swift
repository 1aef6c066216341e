/// Turns energy into watts: the one place where it happens.
///
/// A sample needs every package: a sum that lacks one would be false. Where a reading is missing, the window grows until
/// all are back, so that its mean stays exact; where energy was lost or the machine slept, a new window begins.
public struct PowerMeter: Sendable {
  /// The two clocks that tell a suspend are read one after the other; less than this between them is no sleep.
  private static let shortestSleepNanoseconds: Int64 = 50_000_000

  private var start: EnergySnapshot?

  /// A meter without a window yet.
  public init() {}

  /// The mean power since the last sample, or why there is none. Looks at packages only: their sum is the CPUs' power.
  public mutating func measure(_ end: EnergySnapshot) -> Result {
    for reading in end.readings where reading.domain == .package {
      switch reading.outcome {
      case .failed(let error): return .none(.failed(reading.package, error))
      case .read(.implausible): return .none(.implausible(reading.package))
      case .read: continue
      }
    }
    guard let start else {
      self.start = end
      return .none(.first)
    }
    if end.asleepNanoseconds - start.asleepNanoseconds > Self.shortestSleepNanoseconds {
      self.start = end
      return .none(.suspended)
    }
    var packageWatts: [Double] = []
    packageWatts.reserveCapacity(end.readings.count)
    var watts = 0.0
    var last: EnergyReading?
    var first: EnergyReading?
    for (before, after) in zip(start.readings, end.readings) where after.domain == .package {
      guard before.losses == after.losses else {
        self.start = end
        return .none(.discontinuity(after.package))
      }
      let nanoseconds = after.monotonicNanoseconds - before.monotonicNanoseconds
      guard after.counts > before.counts, nanoseconds > 0 else { return .none(.idle(after.package)) }
      let mean = after.unit.joules(after.counts - before.counts) * 1e9 / Double(nanoseconds)
      packageWatts.append(mean)
      watts += mean
      first = before
      last = after
    }
    guard let first, let last else { return .none(.first) }
    self.start = end
    return .sample(
      PowerSample(
        watts: watts, packageWatts: packageWatts,
        windowNanoseconds: last.monotonicNanoseconds - first.monotonicNanoseconds,
        endMonotonicNanoseconds: last.monotonicNanoseconds, endUnixNanoseconds: end.unixNanoseconds))
  }

  /// What a snapshot gave.
  public enum Result: Sendable {
    /// A finished window.
    case sample(PowerSample)
    /// No window was finished, and why.
    case none(NoSample)
  }
}
