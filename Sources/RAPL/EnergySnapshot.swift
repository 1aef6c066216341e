/// One package's energy at one moment, or a domain's of it.
public struct EnergyReading: Sendable {
  /// How a reading went.
  public enum Outcome: Sendable {
    /// The counter was read, and this is what became of the value.
    case read(CounterChange)
    /// The counter could not be read.
    case failed(any Error)
  }

  /// Whose energy it is.
  public let package: PackageID
  /// Which of its domains.
  public let domain: PowerDomain
  /// How the reading went.
  public let outcome: Outcome
  /// Counts since the source was opened, up to the last good reading.
  public let counts: UInt64
  /// What a count is worth.
  public let unit: EnergyUnit
  /// How many times energy went by uncounted: where it is not 0, `counts` is a lower bound.
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
  /// One reading for each package, then one for each further domain where these were read too, always the same in the same
  /// order.
  public let readings: [EnergyReading]
  /// The time of day when the last of them was read, in nanoseconds since 1970: a stamp, never used to measure.
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

/// Delivers the energy that packages have drawn. Gives energy, never watts: those are made in one place, `PowerMeter`.
public protocol EnergySource: Sendable {
  /// Whether the energy is invented.
  var isSimulated: Bool { get }
  /// What the CPU says it is; nil where there is none.
  var cpu: String? { get }
  /// What is measured and how, in one line for a person.
  var summary: String { get }
  /// The longest time to the next snapshot, in seconds, that cannot miss a wrap: shorter while a reading is in doubt.
  var longestIntervalSeconds: Double { get }
  /// How long the further domains may go unread without becoming a lower bound, in seconds, if each core counts for itself: then
  /// reading them costs a register and an interrupt for each core, and `longestIntervalSeconds` is without them. nil if they cost
  /// no more than the packages.
  var longestCoreIntervalSeconds: Double? { get }
  /// How its counters step, if they are not up to date at any time.
  var steps: CounterSteps? { get }
  /// Reads every package now.
  ///
  /// - Parameter domains: whether to read the further domains too.
  mutating func read(domains: Bool) -> EnergySnapshot
}

/// Counters that move in steps, as a hypervisor's do. Their energy is as of the latest step, whenever they are read.
public struct CounterSteps: Sendable, Equatable {
  /// From step to step, the longest where counters differ, in nanoseconds.
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
  /// Its counters are up to date at any time.
  public var steps: CounterSteps? { nil }

  /// Reads every package and every domain now.
  public mutating func read() -> EnergySnapshot { read(domains: true) }
}
