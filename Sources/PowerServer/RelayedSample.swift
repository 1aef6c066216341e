public import RAPL

/// What somebody else has measured: watts, which the relay adds up to energy.
public struct RelayedSample: Sendable {
  /// Watts of a package, or of a domain of it.
  public struct Power: Sendable {
    /// Whose.
    public var package: PackageID
    /// Which of its domains.
    public var domain: PowerDomain
    /// The mean over the sample's window.
    public var watts: Double

    /// Watts of a package, or of a domain of it.
    public init(package: PackageID, domain: PowerDomain, watts: Double) {
      self.package = package
      self.domain = domain
      self.watts = watts
    }
  }

  /// The sum, and its window.
  public var sample: PowerSample
  /// What it consists of, packages first.
  public var powers: [Power]

  /// A sample from its parts.
  public init(sample: PowerSample, powers: [Power]) {
    self.sample = sample
    self.powers = powers
  }
}
