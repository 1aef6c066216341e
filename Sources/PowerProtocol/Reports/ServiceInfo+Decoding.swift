internal import Formatting
internal import RAPL

extension ServiceInfo: Decodable {
  private enum CodingKeys: String, CodingKey {
    case version
    case protocolVersion = "protocol"
    case source
    case isSimulated = "simulated"
    case intervalSeconds = "interval_seconds"
    case cpu, description, packages, policy, requests
  }

  /// Reads what a service is. One that is older than `requests` has none.
  ///
  /// - Throws: `DecodingError` for a missing member, a wrong type, numbers out of reason, or a package that is named twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let packages = try fields.decode([Package].self, forKey: .packages)
    guard Set(packages.map(\.id)).count == packages.count else {
      throw DecodingError.dataCorruptedError(forKey: .packages, in: fields, debugDescription: "one is there twice")
    }
    self.init(
      version: try fields.text(.version), source: try fields.text(.source),
      isSimulated: try fields.decode(Bool.self, forKey: .isSimulated),
      intervalSeconds: try fields.number(.intervalSeconds, in: Plausible.intervalSeconds),
      cpu: try fields.optionalText(.cpu), description: try fields.text(.description), packages: packages,
      policy: try fields.decode(Policy.self, forKey: .policy))
    protocolVersion = try fields.number(.protocolVersion, in: Plausible.counts)
    // Names that are not printable are none that anyone knows.
    requests = (try fields.decodeIfPresent([String: [String]].self, forKey: .requests) ?? [:])
      .filter { $0.key == $0.key.printable }.mapValues { $0.filter { $0 == $0.printable } }
  }
}

extension ServiceInfo.Domain: Decodable {
  fileprivate enum CodingKeys: String, CodingKey {
    case domain
    case unitJoules = "unit_joules"
    case unitSource = "unit_source"
  }

  /// Reads a counter.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      domain: try fields.decode(PowerDomain.self, forKey: .domain),
      unitJoules: try fields.optionalNumber(.unitJoules, in: Plausible.steps),
      unitSource: try fields.optionalText(.unitSource))
  }
}

extension ServiceInfo.Package: Decodable {
  private enum CodingKeys: String, CodingKey {
    case domains
  }

  /// A counter of any service's; nil inside if this version does not know its domain.
  private struct Counter: Decodable {
    let known: ServiceInfo.Domain?

    init(from decoder: any Decoder) throws {
      let name = try decoder.container(keyedBy: ServiceInfo.Domain.CodingKeys.self).decode(String.self, forKey: .domain)
      known = PowerDomain(rawValue: name) == nil ? nil : try ServiceInfo.Domain(from: decoder)
    }
  }

  /// Reads a package of `info`; domains that this version does not know are left out.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let domains = try fields.decode([Counter].self, forKey: .domains).compactMap(\.known)
    guard Set(domains.map(\.domain)).count == domains.count else {
      throw DecodingError.dataCorruptedError(forKey: .domains, in: fields, debugDescription: "one is there twice")
    }
    self.init(id: try PackageID(from: decoder), domains: domains)
  }
}
