public import PowerProtocol
internal import RAPL

/// A service's description and a sample.
public struct Observation: Sendable, Equatable {
  /// The description.
  public var info: ServiceInfo
  /// The sample.
  public var sample: SampleReport

  /// An observation.
  public init(info: ServiceInfo, sample: SampleReport) {
    self.info = info
    self.sample = sample
  }

  /// Whether any of it is simulated.
  public var isSimulated: Bool { info.isSimulated || sample.status == .simulated }
  /// Whether it is recent.
  var isFresh: Bool { sample.status != .stale }
}

/// What is known at the time of a scrape.
struct Scrape {
  /// nil if the service did not answer.
  let observation: Observation?
  /// The version of this program.
  let version: String
}

/// The power and energy of a package, or of a domain of it, in a sample.
struct SamplePart {
  let id: PackageID
  /// `package` for the package itself.
  let domain: PowerDomain
  let watts: Double?
  let joules: Double
  let isLowerBound: Bool
}

extension SampleReport {
  /// Each package, followed by its domains.
  var parts: [SamplePart] {
    packages.flatMap { package in PowerDomain.allCases.compactMap { SamplePart(package, $0) } }
  }

  /// A package, or a domain of it; nil if the sample has none.
  func part(_ id: PackageID, _ domain: PowerDomain) -> SamplePart? {
    packages.first { $0.id == id }.flatMap { SamplePart($0, domain) }
  }
}

extension SamplePart {
  fileprivate init?(_ package: SampleReport.Package, _ domain: PowerDomain) {
    let drawn =
      domain == .package
      ? .init(watts: package.watts, joules: package.joules, isLowerBound: package.isLowerBound)
      : package.domains[domain]
    guard let drawn else { return nil }
    self.init(
      id: package.id, domain: domain, watts: drawn.watts, joules: drawn.joules, isLowerBound: drawn.isLowerBound)
  }
}
