/// The result of a reading of an energy counter.
public enum CounterChange: Sendable, Equatable {
  /// The first reading: there is nothing to compare it with.
  case first
  /// The counter advanced by this many counts.
  case advanced(UInt64)
  /// The counter advanced by this many counts, past its end and around.
  case wrapped(UInt64)
  /// The same value again.
  case idle
  /// The counter was set to another value and continues from there; the energy around that moment is partly unknown.
  case reset
  /// The last reading was so long ago that it is unknown how often the counter has wrapped or whether it was reset; or the
  /// machine slept in between, when some counters do not count. Its energy is a lower bound.
  case gap
  /// The counter was stuck for more than a second and is moving again; its energy is a lower bound.
  case resumed
  /// A value that the package cannot have reached, or may not have reached: set aside, nothing counted, nothing lost.
  case implausible
}

/// The energy of one package, or of a domain of it, at one moment.
public struct EnergyReading: Sendable {
  /// The outcome of a reading.
  public enum Outcome: Sendable {
    /// The counter was read, with this result.
    case read(CounterChange)
    /// The counter could not be read.
    case failed(any Error)
  }

  /// The package.
  public let package: PackageID
  /// The domain.
  public let domain: PowerDomain
  /// The outcome of the reading.
  public let outcome: Outcome
  /// Counts since the source was opened, up to the last good reading.
  public let counts: UInt64
  /// The energy of a count.
  public let unit: EnergyUnit
  /// How many times energy could not be counted: if it is not 0, `counts` is a lower bound.
  public let losses: UInt32
  /// How many of its values were rejected as implausible since the source was opened.
  public let rejections: UInt32
  /// When it was read: nanoseconds of the monotonic clock, the middle of the read.
  public let monotonicNanoseconds: Int64

  /// A reading from its parts.
  public init(
    package: PackageID, domain: PowerDomain = .package, outcome: Outcome, counts: UInt64, unit: EnergyUnit,
    losses: UInt32, rejections: UInt32 = 0, monotonicNanoseconds: Int64
  ) {
    self.package = package
    self.domain = domain
    self.outcome = outcome
    self.counts = counts
    self.unit = unit
    self.losses = losses
    self.rejections = rejections
    self.monotonicNanoseconds = monotonicNanoseconds
  }
}

/// The energy of every package at about the same moment.
public struct EnergySnapshot: Sendable {
  /// One reading for each package, then one for each further domain if these were read too, always in the same order.
  public let readings: [EnergyReading]
  /// The time of day when the last of them was read, in nanoseconds since 1970: a timestamp, never used to measure.
  public let unixNanoseconds: Int64
  /// How long the machine has slept since it was started, in nanoseconds.
  public let asleepNanoseconds: Int64

  /// A snapshot from its parts.
  public init(readings: [EnergyReading], unixNanoseconds: Int64, asleepNanoseconds: Int64) {
    self.readings = readings
    self.unixNanoseconds = unixNanoseconds
    self.asleepNanoseconds = asleepNanoseconds
  }
}
