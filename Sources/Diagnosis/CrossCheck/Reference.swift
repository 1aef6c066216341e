internal import CMSRShim
public import PowerSources
internal import RAPL

/// A reference's measurement of one channel over one window.
public struct ReferenceWindow: Equatable {
  /// The channel.
  let channel: DomainID
  /// The window's start and end, in nanoseconds of the monotonic clock.
  let start: Int64
  let end: Int64
  let watts: Double
}

/// Another measurement of the same machine.
public protocol Reference {
  /// Its name.
  var name: String { get }
  /// What it reads: "the registers".
  var reads: String { get }
  /// Whether its windows are of what the counters show at their ends, also of one that moves in steps and shows what was drawn up to
  /// its latest step.
  var readsAsShown: Bool { get }
  /// Begins to measure.
  mutating func begin()
  /// The windows that have ended since the last call.
  mutating func windows() -> [ReferenceWindow]
  /// The failure that ended it, if there is one; asked if no windows come.
  var trouble: String? { get }
  /// Ends it, and waits for that.
  func end()
}

extension Reference {
  /// Its windows last from step to step.
  public var readsAsShown: Bool { false }
}

/// Another source of energy as the reference, such as powercap: its windows end when we read it.
public struct SourceReference: Reference {
  /// Its name.
  public let name: String
  /// What it reads.
  public let reads: String
  /// A reading that fails is missing, and tells nothing more.
  public let trouble: String? = nil
  private var source: any EnergySource
  private let interval: Int64
  private var last: EnergySnapshot?
  private var due: Int64 = 0

  /// A source that is read once in an interval, in seconds.
  public init(_ source: any EnergySource, name: String, reads: String, intervalSeconds: Double) {
    self.source = source
    self.name = name
    self.reads = reads
    interval = Int64(nanosecondsIn: intervalSeconds)
  }

  /// Takes the first reading.
  public mutating func begin() {
    last = source.read()
    due = cmsr_monotonic_nanoseconds() + interval
  }

  /// The windows that end now, if one is due.
  public mutating func windows() -> [ReferenceWindow] {
    // Counters that move in steps are looked at all the time, to see when they do.
    let looked = source.steps == nil ? nil : source.read()
    let now = cmsr_monotonic_nanoseconds()
    guard now >= due, let before = last else { return [] }
    due += interval * ((now - due) / interval + 1)
    let after = looked ?? source.read()
    last = after
    return zip(before.readings, after.readings).compactMap { before, after in
      let nanoseconds = after.monotonicNanoseconds - before.monotonicNanoseconds
      guard case .read = before.outcome, case .read = after.outcome, before.losses == after.losses, nanoseconds > 0
      else {
        return nil
      }
      return ReferenceWindow(
        channel: DomainID(after.package, after.domain), start: before.monotonicNanoseconds,
        end: after.monotonicNanoseconds,
        watts: after.unit.joules(after.counts - before.counts) * 1e9 / Double(nanoseconds))
    }
  }

  /// Does nothing: it runs only while it is read.
  public func end() {}
}
