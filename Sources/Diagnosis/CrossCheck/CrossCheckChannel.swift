public import RAPL

/// A domain of a package, which is compared.
public struct CrossCheckChannel: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The package.
  public let package: PackageID
  /// The domain.
  public let domain: PowerDomain

  /// A channel from its parts.
  public init(_ package: PackageID, _ domain: PowerDomain) {
    self.package = package
    self.domain = domain
  }

  /// By package, then in the order of `PowerDomain`.
  public static func < (one: Self, other: Self) -> Bool {
    one.package == other.package ? one.rank < other.rank : one.package < other.package
  }

  /// "package 0", or "package 0 DRAM".
  public var description: String {
    domain == .package ? "\(package)" : "\(package) \(domain)"
  }

  private var rank: Int { PowerDomain.allCases.firstIndex(of: domain) ?? 0 }
}
