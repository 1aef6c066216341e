public import RAPL

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
  /// What limits its packages; nil if it does not tell.
  var limits: LimitsSource? { get }
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
  public let nextReadNanoseconds: Int64
}

extension EnergySource {
  /// Domains cost no more than packages.
  public var longestCoreIntervalSeconds: Double? { nil }
  /// Its counters are always up to date.
  public var steps: CounterSteps? { nil }
  /// It does not tell what limits its packages.
  public var limits: LimitsSource? { nil }

  /// Reads every package and every domain now.
  public mutating func read() -> EnergySnapshot { read(domains: true) }
}
