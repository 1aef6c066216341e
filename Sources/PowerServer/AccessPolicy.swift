internal import CMSRShim
internal import PowerProtocol
internal import RAPL

/// Who may know energy how finely: fine readings leak secrets (PLATYPUS, CVE-2020-8694).
struct AccessPolicy {
  /// The shortest window for trusted clients, in nanoseconds.
  private static let trustedWindow: Int64 = 10_000_000

  /// The group whose members are trusted, as root is; nil for none.
  let group: TrustedGroup?
  /// The public grid, in nanoseconds: a fraction of the service's interval, so that all public points lie on it.
  let publicStep: Int64
  /// The grid of trusted clients, in nanoseconds: a fraction of the public grid.
  let trustedStep: Int64

  /// - Parameter isRelayed: whether samples come from another program, and no finer than the service's interval.
  init(_ settings: ServerSettings, isRelayed: Bool = false) {
    group = settings.trustedGroup
    publicStep = isRelayed ? settings.interval : settings.publicStep
    trustedStep = isRelayed ? publicStep : publicStep / max(publicStep / Self.trustedWindow, 1)
  }

  /// Whether the peer of a connection's descriptor is trusted.
  func trusts(_ descriptor: Int32) -> Bool {
    cmsr_peer_is_trusted(descriptor, group == nil ? 0 : 1, group?.id ?? 0) == 1
  }

  /// The policy for a connection.
  func policy(trusted: Bool) -> Policy {
    Policy(
      isTrusted: trusted, trustedGroup: group?.name,
      shortestIntervalSeconds: Double(trusted ? trustedStep : publicStep) / 1e9,
      wattsResolution: trusted ? nil : 0.01, joulesResolution: trusted ? nil : 0.01)
  }

  /// The interval that a connection gets, in nanoseconds: a multiple of its grid.
  ///
  /// - Parameter seconds: the requested interval.
  func grant(seconds: Double, trusted: Bool) throws(RequestError) -> Int64 {
    let step = trusted ? trustedStep : publicStep
    let asked = Int64(clamping: (min(seconds, Request.longestIntervalSeconds) * 1e9).rounded())
    if asked < step && !trusted {
      throw .notAllowed(seconds: seconds, shortest: Double(step) / 1e9, group: group?.name)
    }
    return max((asked + step - 1) / step, 1) * step
  }
}

/// A group whose members get full resolution.
public typealias TrustedGroup = (name: String, id: UInt32)
