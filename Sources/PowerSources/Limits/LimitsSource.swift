public import RAPL

/// What limits a package, and what the limits did to it, at one moment.
public struct LimitsReading: Sendable, Equatable {
  /// The package.
  public let package: PackageID
  /// Its limits.
  public let limits: PackageLimits
  /// What they did.
  public let throttling: PackageThrottling
}

/// Reads the limits of one package.
protocol PackageLimitsReader: Sendable {
  /// Reads all of them now. What cannot be read is missing.
  mutating func read() -> LimitsReading
}

/// Reads what limits the packages of a machine. Nothing is read before it is asked, and nothing is ever written.
///
/// Everything is open from the start, so no right is needed later on.
public struct LimitsSource: Sendable {
  /// The origin of limits, by the name that the protocol has for it.
  public enum Origin: String, Sendable {
    /// The registers of each package.
    case msr
    /// The constraints of the kernel's powercap zones, which tell no more than the limits themselves.
    case powercap
  }

  /// The origin of the limits.
  public let origin: Origin
  private var packages: [any PackageLimitsReader]

  /// - Parameter packages: at least one; nil comes of none.
  init?(_ origin: Origin, _ packages: [any PackageLimitsReader]) {
    if packages.isEmpty { return nil }
    self.origin = origin
    self.packages = packages
  }

  /// Reads each package now.
  public mutating func read() -> [LimitsReading] {
    packages.indices.map { packages[$0].read() }
  }
}

extension LimitsSource {
  /// The constraints of zones; nil if there are none.
  ///
  /// - Parameter packages: the machine's packages, as far as they are known: their cores decide which power is plausible.
  init?(zones: [PowercapTree.Entry], of packages: [PackageCPUs], _ tree: MachineTree) {
    // A capture has no files that could be opened.
    if tree.replay != nil { return nil }
    let ids = zones.filter { $0.zone.domain == .package }.map(\.zone.package)
    self.init(
      .powercap,
      ids.compactMap { id in
        let cores = packages.first { $0.id == id || $0.id.package == id.package && $0.id.die == nil }?.cores
        return ZoneLimits(of: id, zones, bound: PowerBound(cores: cores), tree)
      })
  }
}
