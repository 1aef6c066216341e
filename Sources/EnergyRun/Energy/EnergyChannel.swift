public import RAPL

/// Everything that has an energy of its own in a report.
public enum EnergyChannel: Sendable, Hashable {
  /// All packages together.
  case total
  /// A package.
  case package(PackageID)
  /// A domain of a package. It is not added to the total.
  case domain(PackageID, PowerDomain)
}

extension EnergyChannel: Comparable {
  /// The total, then each package followed by its domains.
  public static func < (one: Self, other: Self) -> Bool {
    guard let id = one.id, let otherID = other.id else { return one.id == nil && other.id != nil }
    return (id, one.rank) < (otherID, other.rank)
  }

  /// The package; nil for the total.
  var id: PackageID? {
    switch self {
    case .total: nil
    case .package(let id), .domain(let id, _): id
    }
  }

  private var rank: Int {
    if case .domain(_, let domain) = self { PowerDomain.allCases.firstIndex(of: domain) ?? 0 } else { -1 }
  }
}
