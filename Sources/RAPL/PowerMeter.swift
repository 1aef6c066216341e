/// Turns energy into watts: the one place where it happens.
///
/// A sample needs every package: a sum without one would be false. If a reading is missing, the window grows until all are
/// back, so that its mean stays exact. If energy was lost or the machine slept, a new window begins.
public struct PowerMeter: Sendable {
  /// The two clocks that show a suspend are read one after the other; a smaller difference is not a suspend.
  package static let shortestSleepNanoseconds: Int64 = 50_000_000

  /// The snapshot with which the present window began.
  public private(set) var start: EnergySnapshot?

  /// A meter whose window begins with this snapshot, or with the first whole one that it gets: a window can begin only when every
  /// package was read.
  public init(start: EnergySnapshot? = nil) {
    self.start = start.flatMap { $0.missing == nil ? $0 : nil }
  }

  /// The mean power since the last sample, or why there is none. Only packages count: their sum is the CPUs' power.
  public mutating func measure(_ end: EnergySnapshot) -> Result {
    if let missing = end.missing { return .none(missing) }
    guard let start else {
      self.start = end
      return .none(.first)
    }
    if end.asleepNanoseconds - start.asleepNanoseconds > Self.shortestSleepNanoseconds {
      self.start = end
      return .none(.suspended)
    }
    var watts = 0.0
    // By index: to copy a reading costs more than everything else here.
    let readings = end.readings.indices
    var last: Int64?
    var window: Int64 = 0
    for index in readings where index < start.readings.count && end.readings[index].domain == .package {
      guard start.readings[index].losses == end.readings[index].losses else {
        let package = end.readings[index].package
        self.start = end
        return .none(.discontinuity(package))
      }
      let time = end.readings[index].monotonicNanoseconds
      let nanoseconds = time - start.readings[index].monotonicNanoseconds
      let (before, after) = (start.readings[index].counts, end.readings[index].counts)
      guard after > before, nanoseconds > 0 else { return .none(.idle(end.readings[index].package)) }
      watts += end.readings[index].unit.joules(after - before) * 1e9 / Double(nanoseconds)
      last = time
      window = nanoseconds
    }
    guard let last else { return .none(.first) }
    self.start = end
    return .window(
      PowerWindow(
        start: start, end: end,
        sample: PowerSample(
          watts: watts, windowNanoseconds: window, endMonotonicNanoseconds: last,
          endUnixNanoseconds: end.unixNanoseconds)))
  }

  /// The result of a snapshot.
  public enum Result: Sendable {
    /// A finished window.
    case window(PowerWindow)
    /// No window was finished, for this reason.
    case none(NoSample)
  }
}

extension EnergySnapshot {
  /// Why it does not end a window: a package was not read.
  @inline(__always) fileprivate var missing: NoSample? {
    for index in readings.indices where readings[index].domain == .package {
      switch readings[index].outcome {
      case .failed(let error): return .failed(readings[index].package, error)
      case .read(.implausible): return .implausible(readings[index].package)
      case .read: continue
      }
    }
    return nil
  }
}
