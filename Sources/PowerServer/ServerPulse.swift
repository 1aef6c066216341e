public import PowerProtocol

/// How the service is at a point of its grid: a sign that it samples.
public struct ServerPulse: Sendable, Equatable {
  /// What a client that connected now would get; nil where there never was a reading.
  public let line: PowerLine?
  /// How many clients are connected.
  public let clients: Int
}
