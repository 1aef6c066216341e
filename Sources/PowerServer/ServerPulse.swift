public import PowerProtocol

/// How the service is at a point of its grid, or when it looks at the counters in its sleep: a sign that it samples.
public struct ServerPulse: Sendable, Equatable {
  /// What a client that connected now would get, or the mean over its sleep; nil where there never was a reading.
  public let line: PowerLine?
  /// How many clients are connected.
  public let clients: Int
  /// Whether it sleeps until somebody connects.
  public let isAsleep: Bool
}
