public import Formatting
public import RAPL

/// The description of a service: the answer to `{"get": "info"}`.
public struct ServiceInfo: Sendable, Equatable {
  /// A counter of a package, or of a domain of it.
  public struct Domain: Sendable, Equatable {
    /// The domain.
    public var domain: PowerDomain
    /// Joules for each count; nil if the source has no counts.
    public var unitJoules: Double?
    /// The origin of that number; nil if the source has no counts.
    public var unitSource: String?
  }

  /// A package and its counters.
  public struct Package: Sendable, Equatable {
    /// The package.
    public var id: PackageID
    /// Its counters, the package's own first.
    public var domains: [Domain]
  }

  /// The version of the protocol that is implemented here.
  public static let protocolVersion = 2

  /// The service's version.
  public var version: String
  /// The newest version of the protocol that it supports.
  public var protocolVersion = Self.protocolVersion
  /// The energy source: "msr", "powercap", "turbostat" or "simulated".
  public var source: String
  /// Whether the energy is invented.
  public var isSimulated: Bool
  /// The time between samples, in seconds.
  public var intervalSeconds: Double
  /// The CPU's name; nil if the source does not tell.
  public var cpu: String?
  /// What is measured and how, in one readable line.
  public var description: String
  /// The packages.
  public var packages: [Package]
  /// The policy for the connection that asked.
  public var policy: Policy
  /// The requests that it serves, and the members of each; empty for an older service, which does not tell.
  public var requests: [String: [String]]

  /// A description from its parts.
  public init(
    version: String, source: String, isSimulated: Bool, intervalSeconds: Double, cpu: String?, description: String,
    packages: [Package], policy: Policy, requests: [String: [String]] = Request.served
  ) {
    self.version = version
    self.source = source
    self.isSimulated = isSimulated
    self.intervalSeconds = intervalSeconds
    self.cpu = cpu
    self.description = description
    self.packages = packages
    self.policy = policy
    self.requests = requests
  }

  /// Whether it serves a request with this member.
  public func serves(_ request: String, member: String) -> Bool {
    requests[request]?.contains(member) ?? false
  }

  /// The answer as it is sent.
  public var json: JSON {
    let requests = requests.sorted { $0.key < $1.key }.map { name, members in
      (name, JSON.array(members.map { .string($0) }))
    }
    let members: [(CodingKeys, JSON)] = [
      (.version, .string(version)), (.protocolVersion, .integer(protocolVersion)), (.source, .string(source)),
      (.isSimulated, .boolean(isSimulated)), (.intervalSeconds, .number(intervalSeconds)), (.cpu, .optional(cpu)),
      (.description, .string(description)), (.packages, .array(packages.map(\.json))), (.policy, policy.json),
      (.requests, .object(requests)),
    ]
    return .object([(Answer.Kind.info.rawValue, .object(members.map { ($0.rawValue, $1) }))])
  }
}

extension ServiceInfo: Decodable {
  fileprivate enum CodingKeys: String, CodingKey {
    case version
    case protocolVersion = "protocol"
    case source
    case isSimulated = "simulated"
    case intervalSeconds = "interval_seconds"
    case cpu, description, packages, policy, requests
  }

  /// Reads the description of a service. An older service has no `requests`.
  ///
  /// - Throws: `DecodingError` for a missing member, a wrong type, numbers out of range, or a package that appears twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let packages = try fields.decode([Package].self, forKey: .packages)
    guard Set(packages.map(\.id)).count == packages.count else {
      throw DecodingError.dataCorruptedError(forKey: .packages, in: fields, debugDescription: "a package appears twice")
    }
    self.init(
      version: try fields.text(.version), source: try fields.text(.source),
      isSimulated: try fields.decode(Bool.self, forKey: .isSimulated),
      intervalSeconds: try fields.number(.intervalSeconds, in: Plausible.intervalSeconds),
      cpu: try fields.optionalText(.cpu), description: try fields.text(.description), packages: packages,
      policy: try fields.decode(Policy.self, forKey: .policy))
    protocolVersion = try fields.number(.protocolVersion, in: Plausible.counts)
    // Names that are not printable are unknown in any case.
    requests = (try fields.decodeIfPresent([String: [String]].self, forKey: .requests) ?? [:])
      .filter { $0.key == $0.key.printable }.mapValues { $0.filter { $0 == $0.printable } }
  }
}

extension ServiceInfo.Package {
  fileprivate var json: JSON {
    let domains = domains.map { domain in
      let members: [(ServiceInfo.Domain.CodingKeys, JSON)] = [
        (.domain, .string(domain.domain.rawValue)), (.unitJoules, .optional(domain.unitJoules)),
        (.unitSource, .optional(domain.unitSource)),
      ]
      return JSON.object(members.map { ($0.rawValue, $1) })
    }
    return .object(id.members + [(CodingKeys.domains.rawValue, .array(domains))])
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
  fileprivate enum CodingKeys: String, CodingKey {
    case domains
  }

  /// A counter of any service; nil inside if this version does not know its domain.
  private struct Counter: Decodable {
    let known: ServiceInfo.Domain?

    init(from decoder: any Decoder) throws {
      let name = try decoder.container(keyedBy: ServiceInfo.Domain.CodingKeys.self).decode(String.self, forKey: .domain)
      known = PowerDomain(rawValue: name) == nil ? nil : try ServiceInfo.Domain(from: decoder)
    }
  }

  /// Reads a package of `info`; unknown domains are ignored.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let domains = try fields.decode([Counter].self, forKey: .domains).compactMap(\.known)
    guard Set(domains.map(\.domain)).count == domains.count else {
      throw DecodingError.dataCorruptedError(forKey: .domains, in: fields, debugDescription: "a domain appears twice")
    }
    self.init(id: try PackageID(from: decoder), domains: domains)
  }
}

extension EnergySnapshot {
  /// The packages with their domains.
  package var packages: [ServiceInfo.Package] {
    readings.filter { $0.domain == .package }.map { package in
      ServiceInfo.Package(
        id: package.package,
        domains: readings.filter { $0.package == package.package }.map { reading in
          let (domain, unit) = (reading.domain, reading.unit)
          // The unit of a sum is our own: the source has no counts.
          return unit.source == .sum
            ? ServiceInfo.Domain(domain: domain)
            : ServiceInfo.Domain(domain: domain, unitJoules: unit.joulesPerCount, unitSource: unit.source.rawValue)
        })
    }
  }
}

/// The paths of the service's sockets.
public enum SocketPaths {
  /// The path that new clients use.
  public static let preferred = "/run/pkg-watt-stat/pkg-watt-stat.sock"
  /// The folder of the preferred path, which the service makes.
  public static let preferredFolder = "/run/pkg-watt-stat"
  /// The path of the original service, which its clients use.
  public static let original = "/tmp/pkg-watt-stat.sock"
}
