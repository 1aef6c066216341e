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

  /// The bound for a domain of a package that has that bound: what is part of the package draws no more than it, memory
  /// no more than 500 W, a platform no more than 2,000 W, or 8,000 W where its counter is a server's, in whole joules.
  ///
  /// - Parameter unit: the counter's; nil where it is not known, and so the larger bound holds.
  public func of(_ domain: PowerDomain, unit: EnergyUnit? = nil) -> PowerBound {
    switch domain {
    case .package, .core, .uncore: self
    case .dram: PowerBound(watts: 500)
    case .psys: PowerBound(watts: unit.map { $0.joulesPerCount >= 1 } ?? true ? 8000 : 2000)
    }
  }

  private init(watts: Double) {
    self.watts = watts
  }

  /// The longest time between two readings after which the counter's progress is still certain, in seconds: a quarter
  /// of a wrap at this power, less what a counter and a timer may be late.
  ///
  /// - Parameter range: how many values the counter has.
  public func longestCertainSeconds(unit: EnergyUnit, range: UInt64 = EnergyCounter.registerRange) -> Double {
    max(unit.joulesPerCount * Double(range) / 4 / watts - Self.latenessSeconds, 0)
  }
}
