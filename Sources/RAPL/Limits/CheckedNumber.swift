/// A number from a register, and whether it can be true. A register may hold anything: firmware writes the greatest number for
/// "no limit", and virtual machines invent values.
public struct CheckedNumber: Sendable, Equatable {
  /// No package runs on less: the smallest of the CPUs that have limits are sold with some watts.
  private static let leastWatts = 0.5
  /// No CPU takes the mean power over a longer time: the greatest that firmware is known to write is 448 s.
  private static let longestWindowSeconds = 3600.0

  /// The number, as the register has it.
  public let value: Double
  /// Whether it can be true.
  public let isPlausible: Bool

  /// A number and the judgement of it.
  public init(_ value: Double, isPlausible: Bool = true) {
    self.value = value
    self.isPlausible = isPlausible
  }

  /// A power on which a package or platform can run: implausible if it is next to nothing, or more than it can draw.
  package init(watts: Double, bound: PowerBound) {
    self.init(watts, isPlausible: watts >= Self.leastWatts && watts <= bound.watts)
  }

  /// The time window of a limit.
  package init(windowSeconds: Double) {
    self.init(windowSeconds, isPlausible: windowSeconds > 0 && windowSeconds <= Self.longestWindowSeconds)
  }
}
