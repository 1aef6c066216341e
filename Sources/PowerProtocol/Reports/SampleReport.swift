public import Formatting
public import RAPL

/// Watts and joules, in total, for each package and for each domain: the answer to `{"get": "sample"}`, and the content of a
/// subscription.
public struct SampleReport: Sendable, Equatable {
  /// The power and energy of a domain.
  public struct Domain: Sendable, Equatable {
    /// The mean over the window, in watts; nil if the counter could not be read.
    public var watts: Double?
    /// The energy since the service's start, in joules.
    public var joules: Double
    /// Whether `joules` is a lower bound.
    public var isLowerBound: Bool
  }

  /// The power and energy of a package.
  public struct Package: Sendable, Equatable {
    /// The package.
    public var id: PackageID
    /// The mean over the window, in watts.
    public var watts: Double
    /// The energy since the service's start, in joules.
    public var joules: Double
    /// Whether `joules` is a lower bound.
    public var isLowerBound: Bool
    /// Its domains. `core` and `uncore` are parts of the package, the others are not.
    public var domains: [PowerDomain: Domain] = [:]
  }

  /// The cost of the service itself since its start.
  public struct Cost: Sendable, Equatable {
    /// Processor time, user and system, in seconds.
    public var cpuSeconds: Double
    /// How often one of its threads went from waiting to running.
    public var wakeups: Int

    /// A cost.
    public init(cpuSeconds: Double, wakeups: Int) {
      self.cpuSeconds = cpuSeconds
      self.wakeups = wakeups
    }
  }

  /// The number of the sample in its stream: a gap shows that one was lost.
  public var sequence: Int
  /// The window's end, in seconds since 1970.
  public var unixSeconds: Double
  /// The window's end by CLOCK_MONOTONIC, in seconds.
  public var monotonicSeconds: Double
  /// The length of the window, in seconds.
  public var windowSeconds: Double
  /// The mean over the window in watts, summed over all packages.
  public var watts: Double
  /// The energy since the service's start in joules, summed over all packages.
  public var joules: Double
  /// Whether `joules` is a lower bound.
  public var isLowerBound: Bool
  /// Whether the watts are fresh, old or invented.
  public var status: PowerLine.Status
  /// Why the status is not "ok", in a sentence.
  public var reason: String?
  /// How many readings of counters were implausible since the service's start, and ignored.
  public var rejectedReadings = 0
  /// The packages.
  public var packages: [Package]
  /// The cost of the service itself.
  public var service: Cost
}

extension SampleReport {
  /// What a package, or a domain of it, drew. The domain `package` stands for the package itself.
  public typealias Part = (package: PackageID, domain: PowerDomain, drawn: Domain)

  /// Each package, followed by its domains.
  public var parts: [Part] {
    packages.sorted { $0.id < $1.id }.flatMap { package in
      let whole = Domain(watts: package.watts, joules: package.joules, isLowerBound: package.isLowerBound)
      return PowerDomain.allCases.compactMap { domain in
        (domain == .package ? whole : package.domains[domain]).map { (package.id, domain, $0) }
      }
    }
  }

  /// What all packages drew.
  public var total: Domain { Domain(watts: watts, joules: joules, isLowerBound: isLowerBound) }

  /// The answer as it is sent.
  public var json: JSON { .object([(Answer.Kind.sample.rawValue, object)]) }

  /// The sample itself.
  public var object: JSON {
    let packages = packages.map { package in
      var members = package.id.members
      members += Self.power(package.watts, package.joules, package.isLowerBound)
      let domains = PowerDomain.allCases.compactMap { name in
        package.domains[name].map {
          (name.rawValue, JSON.object(Self.power($0.watts, $0.joules, $0.isLowerBound)))
        }
      }
      return JSON.object(members + [(Package.CodingKeys.domains.rawValue, .object(domains))])
    }
    let cost = JSON.object([
      (Cost.CodingKeys.cpuSeconds.rawValue, .number(service.cpuSeconds)),
      (Cost.CodingKeys.wakeups.rawValue, .integer(service.wakeups)),
    ])
    var members: [(String, JSON)] = [
      (CodingKeys.sequence.rawValue, .integer(sequence)), (CodingKeys.unixSeconds.rawValue, .number(unixSeconds)),
      (CodingKeys.monotonicSeconds.rawValue, .number(monotonicSeconds)),
      (CodingKeys.windowSeconds.rawValue, .number(windowSeconds)),
    ]
    members += Self.power(watts, joules, isLowerBound)
    members += [
      (CodingKeys.status.rawValue, .string(status.rawValue)), (CodingKeys.reason.rawValue, .optional(reason)),
      (CodingKeys.rejectedReadings.rawValue, .integer(rejectedReadings)),
      (CodingKeys.packages.rawValue, .array(packages)), (CodingKeys.service.rawValue, cost),
    ]
    return .object(members)
  }

  private static func power(_ watts: Double?, _ joules: Double, _ isLowerBound: Bool) -> [(String, JSON)] {
    [
      (Domain.CodingKeys.watts.rawValue, .optional(watts)), (Domain.CodingKeys.joules.rawValue, .number(joules)),
      (Domain.CodingKeys.isLowerBound.rawValue, .boolean(isLowerBound)),
    ]
  }
}

extension SampleReport: Decodable {
  fileprivate enum CodingKeys: String, CodingKey {
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
  /// - Throws: `DecodingError` for a missing member, a wrong type, numbers out of range, or a package that appears twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let packages = try fields.decode([Package].self, forKey: .packages)
    guard Set(packages.map(\.id)).count == packages.count else {
      throw DecodingError.dataCorruptedError(forKey: .packages, in: fields, debugDescription: "a package appears twice")
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
  fileprivate enum CodingKeys: String, CodingKey {
    case cpuSeconds = "cpu_seconds"
    case wakeups
  }

  /// Reads the cost of a service.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      cpuSeconds: try fields.number(.cpuSeconds, in: Plausible.clockSeconds),
      wakeups: try fields.number(.wakeups, in: Plausible.counts))
  }
}

extension SampleReport.Domain: Decodable {
  fileprivate enum CodingKeys: String, CodingKey {
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
  fileprivate enum CodingKeys: String, CodingKey {
    case watts, joules, domains
    case isLowerBound = "lower_bound"
  }

  /// Reads a package of a sample; unknown domains are ignored.
  ///
  /// - Throws: `DecodingError` also for a package that has itself as a domain, because it would then appear twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let named = try fields.decode([String: SampleReport.Domain].self, forKey: .domains)
    var domains: [PowerDomain: SampleReport.Domain] = [:]
    for (name, domain) in named {
      if let known = PowerDomain(rawValue: name) { domains[known] = domain }
    }
    guard domains[.package] == nil else {
      throw DecodingError.dataCorruptedError(
        forKey: .domains, in: fields, debugDescription: "a package has itself as a domain")
    }
    self.init(
      id: try PackageID(from: decoder), watts: try fields.number(.watts, in: Plausible.watts),
      joules: try fields.number(.joules, in: Plausible.joules),
      isLowerBound: try fields.decode(Bool.self, forKey: .isLowerBound), domains: domains)
  }
}
