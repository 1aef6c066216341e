public import Formatting
public import RAPL

/// What limits each package, and what the limits did to it: the answer to `{"get": "limits"}`.
public struct LimitsReport: Sendable, Equatable {
  /// A package with its limits.
  public struct Package: Sendable, Equatable {
    /// The package.
    public var id: PackageID
    /// Its limits.
    public var limits: PackageLimits
    /// What they did.
    public var throttling: PackageThrottling

    /// A package from its parts.
    public init(id: PackageID, limits: PackageLimits, throttling: PackageThrottling) {
      self.id = id
      self.limits = limits
      self.throttling = throttling
    }
  }

  /// When they were read, in seconds since 1970.
  public var unixSeconds: Double
  /// The same moment by CLOCK_MONOTONIC, in seconds.
  public var monotonicSeconds: Double
  /// Their origin: "msr" or "powercap"; nil if there is none.
  public var source: String?
  /// Why there are none, in a sentence; nil if there are.
  public var reason: String?
  /// The packages.
  public var packages: [Package]

  /// A report from its parts.
  public init(
    unixSeconds: Double, monotonicSeconds: Double, source: String?, reason: String? = nil, packages: [Package]
  ) {
    self.unixSeconds = unixSeconds
    self.monotonicSeconds = monotonicSeconds
    self.source = source
    self.reason = reason
    self.packages = packages
  }

  /// The answer as it is sent.
  public var json: JSON {
    let members: [(CodingKeys, JSON)] = [
      (.unixSeconds, .number(unixSeconds)), (.monotonicSeconds, .number(monotonicSeconds)),
      (.source, .optional(source)), (.reason, .optional(reason)), (.packages, .array(packages.map(\.json))),
    ]
    return .object([(Answer.Kind.limits.rawValue, .object(members.map { ($0.rawValue, $1) }))])
  }
}

extension LimitsReport: Decodable {
  private enum CodingKeys: String, CodingKey {
    case unixSeconds = "timestamp"
    case monotonicSeconds = "monotonic_seconds"
    case source, reason, packages
  }

  /// Reads limits. Limits, parts and reasons that are not known are ignored.
  ///
  /// - Throws: `DecodingError` for a missing member, a wrong type, numbers out of range, or a package that appears twice.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let packages = try fields.decode([Package].self, forKey: .packages)
    guard Set(packages.map(\.id)).count == packages.count else {
      throw DecodingError.dataCorruptedError(forKey: .packages, in: fields, debugDescription: "a package appears twice")
    }
    self.init(
      unixSeconds: try fields.number(.unixSeconds, in: Plausible.unixSeconds),
      monotonicSeconds: try fields.number(.monotonicSeconds, in: Plausible.clockSeconds),
      source: try fields.optionalText(.source), reason: try fields.optionalText(.reason), packages: packages)
  }
}
