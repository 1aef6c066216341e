public import RAPL

/// An energy counter of the service, as a zone of powercap.
public struct EnergyZone: Sendable, Hashable {
  /// The largest value of `energy_uj`, in microjoules: that of a full 32-bit counter of 2^-14 J, rounded as the kernel's driver
  /// rounds it on most of Intel's CPUs. The value after it is 0: readers add this number if a counter went back.
  public static let range: UInt64 = 262_143_328_850

  /// The package, or the die.
  public let package: PackageID
  /// The domain.
  public let domain: PowerDomain

  /// A zone.
  public init(_ package: PackageID, _ domain: PowerDomain) {
    self.package = package
    self.domain = domain
  }

  /// What the zone's `name` says.
  ///
  /// Source: Linux drivers/powercap/intel_rapl_common.c, `rapl_init_domains` and `rapl_package_register_powercap`.
  public var name: String {
    switch domain {
    case .package:
      "package-\(package.package)" + (package.die.map { "-die-\($0)" } ?? "")
    // Without a number it is package 0's.
    case .psys: package.package == 0 ? "psys" : "psys-\(package.package)"
    case .core, .uncore, .dram: domain.rawValue
    }
  }
}
