/// A number from a register, and whether it can be true. A register may hold anything: firmware writes the greatest number for
/// "no limit", and virtual machines invent values.
public struct CheckedNumber: Sendable, Equatable {
  /// No package runs on less: the smallest of the CPUs that have limits are sold with some watts.
  private static let leastWatts = 0.5

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
  init(watts: Double, bound: PowerBound) {
    self.init(watts, isPlausible: watts >= Self.leastWatts && watts <= bound.watts)
  }
}
