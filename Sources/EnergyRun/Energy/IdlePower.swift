/// The power that every channel drew before a command was started.
public struct IdlePower: Sendable, Equatable {
  /// The mean of a channel, and how much it varied.
  public struct Channel: Sendable, Equatable {
    /// The mean, in watts.
    public var watts: Double
    /// The standard deviation of the windows, in watts: how much idle power may differ while the command runs.
    public var uncertaintyWatts: Double
  }

  /// How long it was measured, in seconds.
  public var seconds: Double
  /// Each channel. A channel that could not be read, or is a lower bound, is missing.
  public var channels: [EnergyChannel: Channel]

  /// Idle power from a tally; nil for less than two windows, which do not show how much it varies.
  public init?(_ tally: EnergyTally, _ resolution: Resolution) {
    let seconds = tally.last.seconds - tally.first.seconds
    channels = [:]
    for (channel, spread) in tally.spreads where !tally.isLowerBound(channel) {
      guard let deviation = spread.deviation,
        let joules = EnergyTally.joules(channel, from: tally.first, to: tally.last)
      else { continue }
      channels[channel] = Channel(
        watts: joules / seconds, uncertaintyWatts: deviation + resolution.joules / seconds)
    }
    self.seconds = seconds
    if channels[.total] == nil { return nil }
  }
}
