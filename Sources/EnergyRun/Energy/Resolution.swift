public import PowerProtocol

/// How finely this client may know energy.
public struct Resolution: Sendable, Equatable {
  /// Whether readings may be asked for at any moment. If not, they come on a grid, and a command shares its first and last
  /// window with others.
  public var isExact: Bool
  /// The step that joules are rounded to; 0 if they are not rounded.
  public var joules: Double
  /// The group whose members get exact readings; nil if only root does.
  public var trustedGroup: String?

  /// A resolution from its parts.
  public init(isExact: Bool, joules: Double, trustedGroup: String? = nil) {
    self.isExact = isExact
    self.joules = joules
    self.trustedGroup = trustedGroup
  }

  /// The resolution that a policy allows.
  public init(_ policy: Policy) {
    self.init(
      isExact: policy.isTrusted, joules: policy.joulesResolution ?? 0, trustedGroup: policy.trustedGroup)
  }
}
