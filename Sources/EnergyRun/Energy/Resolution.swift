public import PowerProtocol

/// How finely a service lets this client know energy.
public struct Resolution: Sendable, Equatable {
  /// Whether readings may be asked for at any moment. If not, they come on a grid, and a command shares its first and last
  /// window with others.
  public var isExact: Bool
  /// To what joules are rounded; 0 where they are not.
  public var joules: Double
  /// The group whose members are told exactly; nil where only root is.
  public var trustedGroup: String?

  /// A resolution from its parts.
  public init(isExact: Bool, joules: Double, trustedGroup: String? = nil) {
    self.isExact = isExact
    self.joules = joules
    self.trustedGroup = trustedGroup
  }

  /// What a policy allows.
  public init(_ policy: Policy) {
    self.init(
      isExact: policy.isTrusted, joules: policy.joulesResolution ?? 0, trustedGroup: policy.trustedGroup)
  }
}
