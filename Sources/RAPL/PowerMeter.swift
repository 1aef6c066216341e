/// Turns energy into watts: the one place where it happens.
///
/// A sample needs every package: a sum that lacks one would be false. Where a reading is missing, the window grows until
/// all are back, so that its mean stays exact; where energy was lost or the machine slept, a new window begins.
public struct PowerMeter: Sendable {
  /// The two clocks that tell a suspend are read one after the other; less than this between them is no sleep.
  package static let shortestSleepNanoseconds: Int64 = 50_000_000

  /// What the window that goes on began with.
  public private(set) var start: EnergySnapshot?

  /// A meter, whose window begins with that snapshot, or with the first whole one that it is given: a window can begin only
  /// where every package was read.
  public init(start: EnergySnapshot? = nil) {
    self.start = start.flatMap { $0.lack == nil ? $0 : nil }
  }

  /// The mean power since the last sample, or why there is none. Looks at packages only: their sum is the CPUs' power.
  public mutating func measure(_ end: EnergySnapshot) -> Result {
    if let lack = end.lack { return .none(lack) }
    guard let start else {
      self.start = end
      return .none(.first)
    }
    if end.asleepNanoseconds - start.asleepNanoseconds > Self.shortestSleepNanoseconds {
      self.start = end
      return .none(.suspended)
    }
    var watts = 0.0
    // By index: a copy of a reading costs more than all that is done with it.
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

  /// What a snapshot gave.
  public enum Result: Sendable {
    /// A finished window.
    case window(PowerWindow)
    /// No window was finished, and why.
    case none(NoSample)
  }
}

extension EnergySnapshot {
  /// Why it is no end of a window: a package that was not read.
  @inline(__always) fileprivate var lack: NoSample? {
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
