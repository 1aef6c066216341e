/// A power that no real package reaches: what tells a counter's progress from a counter that has jumped.
public struct PowerBound: Sendable, Equatable {
  /// What no part of any machine reaches: a reading beyond it is never believed.
  public static let highest = PowerBound(watts: 10_000)

  /// What no single core draws: what it may add to a package's bound, and two thirds of that on top.
  public static let ofCore = PowerBound(watts: 100)

  /// How much of a counter's range may pass between two looks at the bound. Three tenths are left for a look that comes
  /// late; with 16 cores and 2^-16 J it makes one and a half looks a minute.
  private static let lookShare = 0.71

  /// The bound in watts.
  public let watts: Double

  /// The bound for a package: 60 W for each physical core, and 200 W for all else in it.
  ///
  /// That is above what any part was reported to draw, with its limits lifted too: 1,900 W with 56 cores (Xeon w9-3495X),
  /// 64 W with 4 (a laptop's turbo), 400 W with 16 (an unlocked desktop).
  ///
  /// - Parameter cores: how many physical cores it has; where it is not known, nil gives the bound for 64.
  public init(cores: Int?) {
    watts = min(60 * Double(max(cores ?? 64, 1)) + 200, Self.highest.watts)
  }

  /// The bound for a domain of a package that has that bound: what is part of the package draws no more than it, memory
  /// no more than 500 W, a platform no more than 2,000 W, or 1,000 W more than the package if that is more, or 8,000 W if its counter is
  /// a server's, in whole joules.
  ///
  /// - Parameter unit: the counter's; nil where it is not known, and so the larger bound holds.
  public func of(_ domain: PowerDomain, unit: EnergyUnit? = nil) -> PowerBound {
    switch domain {
    case .package, .core, .uncore: self
    case .dram: PowerBound(watts: 500)
    case .psys: PowerBound(watts: unit.map { $0.joulesPerCount >= 1 } ?? true ? 8000 : max(2000, watts + 1000))
    }
  }

  /// A bound of so many watts.
  public init(watts: Double) {
    self.watts = watts
  }

  /// The longest time from reading to reading, in seconds: less than what the counter needs for a wrap at this power.
  ///
  /// - Parameter range: how many values the counter has.
  public func longestCertainSeconds(unit: EnergyUnit, range: UInt64 = EnergyCounter.registerRange) -> Double {
    Self.lookShare * unit.joulesPerCount * Double(range) / watts
  }

  /// The bound that leaves room above a power that was measured.
  func raised(to measuredWatts: Double) -> PowerBound {
    PowerBound(watts: min(max(watts, measuredWatts * 1.5), Self.highest.watts))
  }
}
