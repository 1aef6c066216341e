internal import Formatting

/// How finely a connection may know energy: see CVE-2020-8694 (PLATYPUS).
public struct Policy: Sendable, Equatable {
  /// Whether the peer is root, or a member of the trusted group.
  public var isTrusted: Bool
  /// The group whose members are trusted; nil if only root is.
  public var trustedGroup: String?
  /// The shortest allowed interval, in seconds.
  public var shortestIntervalSeconds: Double
  /// The step that watts are rounded to; nil if they are not rounded.
  public var wattsResolution: Double?
  /// The step that joules are rounded to; nil if they are not rounded.
  public var joulesResolution: Double?

  /// A policy.
  public init(
    isTrusted: Bool, trustedGroup: String?, shortestIntervalSeconds: Double, wattsResolution: Double?,
    joulesResolution: Double?
  ) {
    self.isTrusted = isTrusted
    self.trustedGroup = trustedGroup
    self.shortestIntervalSeconds = shortestIntervalSeconds
    self.wattsResolution = wattsResolution
    self.joulesResolution = joulesResolution
  }

  var json: JSON {
    .object([
      (CodingKeys.isTrusted.rawValue, .boolean(isTrusted)), (CodingKeys.trustedGroup.rawValue, .optional(trustedGroup)),
      (CodingKeys.shortestIntervalSeconds.rawValue, .number(shortestIntervalSeconds)),
      (CodingKeys.wattsResolution.rawValue, .optional(wattsResolution)),
      (CodingKeys.joulesResolution.rawValue, .optional(joulesResolution)),
    ])
  }
}

extension Policy: Decodable {
  private enum CodingKeys: String, CodingKey {
    case isTrusted = "trusted"
    case trustedGroup = "trusted_group"
    case shortestIntervalSeconds = "shortest_interval_seconds"
    case wattsResolution = "watts_resolution"
    case joulesResolution = "joules_resolution"
  }

  /// Reads the policy of a connection.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      isTrusted: try fields.decode(Bool.self, forKey: .isTrusted), trustedGroup: try fields.optionalText(.trustedGroup),
      shortestIntervalSeconds: try fields.number(.shortestIntervalSeconds, in: Plausible.intervalSeconds),
      wattsResolution: try fields.optionalNumber(.wattsResolution, in: Plausible.steps),
      joulesResolution: try fields.optionalNumber(.joulesResolution, in: Plausible.steps))
  }
}
