public import Formatting
public import RAPL

/// What a service is and measures: the answer to `{"get": "info"}`.
public struct ServiceInfo: Sendable, Equatable {
  /// A counter of a package, or of a domain of it.
  public struct Domain: Sendable, Equatable {
    /// Which one.
    public var domain: PowerDomain
    /// Joules for each count; nil where the source delivers no counts.
    public var unitJoules: Double?
    /// Who says so; nil where the source delivers no counts.
    public var unitSource: String?

    /// A counter.
    public init(domain: PowerDomain, unitJoules: Double?, unitSource: String?) {
      self.domain = domain
      self.unitJoules = unitJoules
      self.unitSource = unitSource
    }
  }

  /// A package and its counters.
  public struct Package: Sendable, Equatable {
    /// Which one.
    public var id: PackageID
    /// Its counters, the package's own first.
    public var domains: [Domain]

    /// A package.
    public init(id: PackageID, domains: [Domain]) {
      self.id = id
      self.domains = domains
    }
  }

  /// The version of the protocol that is described here.
  public static let protocolVersion = 2

  /// The service's version.
  public var version: String
  /// The newest version of the protocol that it speaks.
  public var protocolVersion = Self.protocolVersion
  /// Where energy comes from: "msr", "powercap", "turbostat" or "simulated".
  public var source: String
  /// Whether it is invented.
  public var isSimulated: Bool
  /// From sample to sample, in seconds.
  public var intervalSeconds: Double
  /// What the CPU says it is; nil where the source does not tell.
  public var cpu: String?
  /// What is measured and how, in one line for a person.
  public var description: String
  /// What is measured.
  public var packages: [Package]
  /// What applies to the connection that asked.
  public var policy: Policy
  /// The requests that it serves, and the members of each; empty if it is an older one, which does not tell.
  public var requests: [String: [String]]

  /// What a service is.
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

  /// Whether it serves a request, with that member.
  public func serves(_ request: String, member: String) -> Bool {
    requests[request]?.contains(member) ?? false
  }

  /// The answer as it is sent.
  public var json: JSON {
    let packages = packages.map { package in
      let domains = package.domains.map { domain in
        JSON.object([
          ("domain", .string(domain.domain.rawValue)), ("unit_joules", .optional(domain.unitJoules)),
          ("unit_source", .optional(domain.unitSource)),
        ])
      }
      return JSON.object(package.id.members + [("domains", .array(domains))])
    }
    return .object([
      (
        "info",
        .object([
          ("version", .string(version)), ("protocol", .integer(protocolVersion)), ("source", .string(source)),
          ("simulated", .boolean(isSimulated)), ("interval_seconds", .number(intervalSeconds)),
          ("cpu", .optional(cpu)), ("description", .string(description)), ("packages", .array(packages)),
          ("policy", policy.json),
          (
            "requests",
            .object(
              requests.sorted { $0.key < $1.key }.map { ($0.key, .array($0.value.map { .string($0) })) })
          ),
        ])
      )
    ])
  }
}

extension PackageID {
  /// How it is named in an answer: the die only where there are several.
  package var members: [(String, JSON)] {
    [("package", .integer(package))] + (die.map { [("die", .integer($0))] } ?? [])
  }
}
