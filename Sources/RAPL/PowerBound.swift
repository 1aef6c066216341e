/// A power that no real package reaches, which distinguishes a counter's progress from a jump.
public struct PowerBound: Sendable, Equatable {
  /// A power that no part of any machine reaches: a reading beyond it is never accepted.
  public static let highest = PowerBound(watts: 10_000)

  /// A power that no single core draws: its share of a package's bound, plus two thirds.
  public static let ofCore = PowerBound(watts: 100)

  /// How much of a counter's range may pass between two readings at the bound. Three tenths are left for a reading that comes
  /// late; with 16 cores and 2^-16 J this makes one and a half readings a minute.
  private static let rangeShare = 0.71

  /// The bound in watts.
  public let watts: Double

  /// The bound for a package: 60 W for each physical core, and 200 W for everything else in it.
  ///
  /// This is above the reported power of every part, even with its limits lifted: 1,900 W with 56 cores (Xeon w9-3495X), 64 W
  /// with 4 (a laptop's turbo), 400 W with 16 (an unlocked desktop).
  ///
  /// - Parameter cores: the number of physical cores; nil, if it is unknown, gives the bound for 64.
  public init(cores: Int?) {
    watts = min(60 * Double(max(cores ?? 64, 1)) + 200, Self.highest.watts)
  }

  /// The bound for a domain of a package with this bound. A part of the package draws no more than the package. Memory draws no
  /// more than 500 W. A platform draws no more than 2,000 W, or 1,000 W more than the package if that is more, or 8,000 W if its
  /// counter is a server's, in whole joules.
  ///
  /// - Parameter unit: the counter's unit; nil, if it is unknown, gives the larger bound.
  public func of(_ domain: PowerDomain, unit: EnergyUnit? = nil) -> PowerBound {
    switch domain {
    case .package, .core, .uncore: self
    case .dram: PowerBound(watts: 500)
    case .psys: PowerBound(watts: unit.map { $0.joulesPerCount >= 1 } ?? true ? 8000 : max(2000, watts + 1000))
    }
  }

  /// A bound of this many watts.
  public init(watts: Double) {
    self.watts = watts
  }

  /// The longest time between readings, in seconds: less than the counter needs for a wrap at this power.
  ///
  /// - Parameter range: the number of values of the counter.
  public func longestCertainSeconds(unit: EnergyUnit, range: UInt64) -> Double {
    Self.rangeShare * unit.joulesPerCount * Double(range) / watts
  }

  /// The bound that leaves room above a measured power.
  package func raised(to measuredWatts: Double) -> PowerBound {
    PowerBound(watts: min(max(watts, measuredWatts * 1.5), Self.highest.watts))
  }
}
