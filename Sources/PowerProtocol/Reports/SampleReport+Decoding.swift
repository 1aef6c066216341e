internal import RAPL

extension SampleReport: Decodable {
  private enum CodingKeys: String, CodingKey {
    case sequence
    case unixSeconds = "timestamp"
    case monotonicSeconds = "monotonic_seconds"
    case windowSeconds = "window_seconds"
    case watts, joules
    case isLowerBound = "lower_bound"
    case status, reason
    case rejectedReadings = "rejected_readings"
    case packages, service
  }

  /// Reads a sample.
  ///
  /// - Throws: `DecodingError` for a missing member, a wrong type, numbers out of reason, or a package that is named twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let packages = try fields.decode([Package].self, forKey: .packages)
    guard Set(packages.map(\.id)).count == packages.count else {
      throw DecodingError.dataCorruptedError(forKey: .packages, in: fields, debugDescription: "one is there twice")
    }
    self.init(
      sequence: try fields.number(.sequence, in: Plausible.counts),
      unixSeconds: try fields.number(.unixSeconds, in: Plausible.unixSeconds),
      monotonicSeconds: try fields.number(.monotonicSeconds, in: Plausible.clockSeconds),
      windowSeconds: try fields.number(.windowSeconds, in: Plausible.windowSeconds),
      watts: try fields.number(.watts, in: Plausible.watts), joules: try fields.number(.joules, in: Plausible.joules),
      isLowerBound: try fields.decode(Bool.self, forKey: .isLowerBound),
      status: try fields.decode(PowerLine.Status.self, forKey: .status), reason: try fields.optionalText(.reason),
      rejectedReadings: try fields.number(.rejectedReadings, in: Plausible.counts), packages: packages,
      service: try fields.decode(Cost.self, forKey: .service))
  }
}

extension SampleReport.Cost: Decodable {
  private enum CodingKeys: String, CodingKey {
    case cpuSeconds = "cpu_seconds"
    case wakeups
  }

  /// Reads what a service has cost.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      cpuSeconds: try fields.number(.cpuSeconds, in: Plausible.clockSeconds),
      wakeups: try fields.number(.wakeups, in: Plausible.counts))
  }
}

extension SampleReport.Domain: Decodable {
  private enum CodingKeys: String, CodingKey {
    case watts, joules
    case isLowerBound = "lower_bound"
  }

  /// Reads a domain of a sample.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      watts: try fields.optionalNumber(.watts, in: Plausible.watts),
      joules: try fields.number(.joules, in: Plausible.joules),
      isLowerBound: try fields.decode(Bool.self, forKey: .isLowerBound))
  }
}

extension SampleReport.Package: Decodable {
  private enum CodingKeys: String, CodingKey {
    case watts, joules, domains
    case isLowerBound = "lower_bound"
  }

  /// Reads a package of a sample; domains that this version does not know are left out.
  ///
  /// - Throws: `DecodingError` also for a package that is a domain of itself, as which it would be there twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let named = try fields.decode([String: SampleReport.Domain].self, forKey: .domains)
    var domains: [PowerDomain: SampleReport.Domain] = [:]
    for (name, domain) in named {
      if let known = PowerDomain(rawValue: name) { domains[known] = domain }
    }
    guard domains[.package] == nil else {
      throw DecodingError.dataCorruptedError(
        forKey: .domains, in: fields, debugDescription: "a package is a domain of itself")
    }
    self.init(
      id: try PackageID(from: decoder), watts: try fields.number(.watts, in: Plausible.watts),
      joules: try fields.number(.joules, in: Plausible.joules),
      isLowerBound: try fields.decode(Bool.self, forKey: .isLowerBound), domains: domains)
  }
}
