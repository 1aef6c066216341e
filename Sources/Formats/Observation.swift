public import PowerProtocol
internal import RAPL

/// What a service is, and what it said of one moment.
public struct Observation: Sendable, Equatable {
  /// What it is.
  public var info: ServiceInfo
  /// What is drawn.
  public var sample: SampleReport

  /// An observation.
  public init(info: ServiceInfo, sample: SampleReport) {
    self.info = info
    self.sample = sample
  }

  /// Whether anything in it is invented.
  public var isSimulated: Bool { info.isSimulated || sample.status == .simulated }
  /// Whether it is of now.
  var isFresh: Bool { sample.status != .stale }
}

/// What is known when metrics are asked for.
struct Scrape {
  /// Nil if the service did not answer.
  let observation: Observation?
  /// This program's.
  let version: String
}

/// What a package, or a domain of it, draws in a sample.
struct SamplePart {
  let id: PackageID
  /// `package` for the package itself.
  let domain: PowerDomain
  let watts: Double?
  let joules: Double
  let isLowerBound: Bool
}

extension SampleReport {
  /// Each package, with its domains behind it.
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
