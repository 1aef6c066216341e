internal import CMSRShim
internal import PowerProtocol
internal import RAPL

/// Who may know how much: fine energy readings leak secrets (PLATYPUS, CVE-2020-8694).
struct AccessPolicy {
  /// The shortest window for the trusted, in nanoseconds.
  private static let trustedWindow: Int64 = 10_000_000

  /// Whose members are trusted beside root; nil for nobody.
  let group: TrustedGroup?
  /// The grid of everybody, in nanoseconds: a fraction of the service's interval, so that all public points are points of it.
  let publicStep: Int64
  /// The grid of the trusted, in nanoseconds: a fraction of everybody's.
  let trustedStep: Int64

  /// - Parameter isRelayed: whether samples come from elsewhere, and no finer than the service's interval.
  init(_ settings: ServerSettings, isRelayed: Bool = false) {
    group = settings.trustedGroup
    publicStep = isRelayed ? settings.interval : settings.publicStep
    trustedStep = isRelayed ? publicStep : publicStep / max(publicStep / Self.trustedWindow, 1)
  }

  /// Whether the peer behind a connection's descriptor is trusted.
  func trusts(_ descriptor: Int32) -> Bool {
    cmsr_peer_is_trusted(descriptor, group == nil ? 0 : 1, group?.id ?? 0) == 1
  }

  /// What applies to a connection.
  func policy(trusted: Bool) -> Policy {
    Policy(
      isTrusted: trusted, trustedGroup: group?.name,
      shortestIntervalSeconds: Double(trusted ? trustedStep : publicStep) / 1e9,
      wattsResolution: trusted ? nil : 0.01, joulesResolution: trusted ? nil : 0.01)
  }

  /// The interval that a connection gets, in nanoseconds: a multiple of its grid.
  ///
  /// - Parameter seconds: what was asked for.
  func grant(seconds: Double, trusted: Bool) throws(RequestError) -> Int64 {
    let step = trusted ? trustedStep : publicStep
    let asked = Int64(clamping: (min(seconds, Request.longestIntervalSeconds) * 1e9).rounded())
    if asked < step && !trusted {
      throw .notAllowed(seconds: seconds, shortest: Double(step) / 1e9, group: group?.name)
    }
    return max((asked + step - 1) / step, 1) * step
  }
}

/// A group whose members may know more than everybody.
public struct TrustedGroup: Sendable, Equatable {
  /// Its name.
  public var name: String
  /// Its id.
  public var id: UInt32

  /// A group.
  public init(name: String, id: UInt32) {
    self.name = name
    self.id = id
  }
}
