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

/// A source of energy readings. It gives energy, never watts: those are made in one place, `PowerMeter`.
public protocol EnergySource: Sendable {
  /// Whether the energy is invented.
  var isSimulated: Bool { get }
  /// The CPU's name; nil if there is none.
  var cpu: String? { get }
  /// What is measured and how, in one readable line.
  var summary: String { get }
  /// The longest time to the next snapshot that cannot miss a wrap, in seconds: shorter while a reading is in doubt.
  var longestIntervalSeconds: Double { get }
  /// How long the domains may go unread without becoming a lower bound, in seconds, if each core has a counter: reading them then
  /// costs a register and an interrupt for each core, and `longestIntervalSeconds` does not include them. nil if they cost no more
  /// than the packages.
  var longestCoreIntervalSeconds: Double? { get }
  /// How its counters step; nil if they are always up to date.
  var steps: CounterSteps? { get }
  /// Reads every package now.
  ///
  /// - Parameter domains: whether to read the domains too.
  mutating func read(domains: Bool) -> EnergySnapshot
}

/// Counters that move in steps, as those of a hypervisor do. Their energy is that of the latest step.
public struct CounterSteps: Sendable, Equatable {
  /// The time between steps in nanoseconds, the longest if counters differ.
  public let periodNanoseconds: Int64
  /// When to read next, in nanoseconds of the monotonic clock, to see the next step when it happens.
  public let nextLookNanoseconds: Int64

  /// Steps from their parts.
  public init(periodNanoseconds: Int64, nextLookNanoseconds: Int64) {
    self.periodNanoseconds = periodNanoseconds
    self.nextLookNanoseconds = nextLookNanoseconds
  }
}

extension EnergySource {
  /// Domains cost no more than packages.
  public var longestCoreIntervalSeconds: Double? { nil }
  /// Its counters are always up to date.
  public var steps: CounterSteps? { nil }

  /// Reads every package and every domain now.
  public mutating func read() -> EnergySnapshot { read(domains: true) }
}
