public import PowerProtocol

/// The power that every channel drew before a command was started.
public struct IdlePower: Sendable, Equatable {
  /// How long it was measured, in seconds.
  public var seconds: Double
  /// Each channel's mean in watts. Its uncertainty is the standard deviation of the windows: how much idle power may differ while
  /// the command runs. A channel that could not be read, or is a lower bound, is missing.
  public var channels: [EnergyChannel: Estimate]

  /// Idle power from a tally; nil for less than two windows, which do not show how much it varies.
  public init?(_ tally: EnergyTally, _ policy: Policy) {
    let seconds = tally.last.seconds - tally.first.seconds
    channels = [:]
    for (channel, spread) in tally.spreads where !tally.isLowerBound(channel) {
      guard let deviation = spread.deviation,
        let joules = EnergyTally.joules(channel, from: tally.first, to: tally.last)
      else { continue }
      channels[channel] = Estimate(
        value: joules / seconds, uncertainty: deviation + (policy.joulesResolution ?? 0) / seconds)
    }
    self.seconds = seconds
    if channels[.total] == nil { return nil }
  }
}

/// A number, and how far it may be from the truth.
public struct Estimate: Sendable, Equatable {
  /// The number.
  public var value: Double
  /// How far it may be from the truth, in the number's unit.
  public var uncertainty: Double
}
