/// A power that no real package reaches: what tells a counter's progress from a counter that has jumped.
public struct PowerBound: Sendable, Equatable {
  /// Without it, a timer that is a microsecond late would make every reading at the longest interval a gap.
  private static let latenessSeconds = 0.1

  /// The bound in watts.
  public let watts: Double

  /// The bound for a package.
  ///
  /// With a thermal design power: four times it for turbo (a 15 W package may draw 64 W) and 400 W more, so that an
  /// unlocked desktop part fits. Without one, as on AMD: 1,000 W, twice what the largest server packages draw.
  public init(thermalDesignWatts: Double?) {
    watts = thermalDesignWatts.map { 4 * $0 + 400 } ?? 1000
  }

  /// The longest time between two readings after which the counter's progress is still certain, in seconds: a quarter
  /// of a 32-bit wrap at this power, less what a counter and a timer may be late.
  public func longestCertainSeconds(unit: EnergyUnit) -> Double {
    max(unit.joulesPerCount * EnergyCounter.certainCounts / watts - Self.latenessSeconds, 0)
  }
}
