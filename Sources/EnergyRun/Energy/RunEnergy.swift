public import PowerProtocol

/// The energy that was drawn while a command ran.
public struct RunEnergy: Sendable, Equatable {
  /// Times on the wire are rounded to a millisecond, so a moment may seem to lie after a start that came just after it.
  private static let roundingSeconds = 0.001

  /// From the first reading to the command's start, in seconds.
  public var beforeSeconds: Double
  /// From the command's end to the last reading, in seconds.
  public var afterSeconds: Double
  /// How long the command took, in seconds.
  public var seconds: Double
  /// How long the longest window was, in seconds.
  public var longestWindowSeconds: Double
  /// Whether all of it lies in windows that reach beyond the command.
  public var isGuess: Bool
  /// The energy of each channel. A channel that could not be read is missing.
  public var channels: [EnergyChannel: ChannelEnergy]

  /// The energy of a span from a tally; nil if the tally does not reach from before the start to after the end.
  public init?(_ tally: EnergyTally, during span: CommandSpan, _ policy: Policy) {
    guard tally.first.seconds <= span.start + Self.roundingSeconds, tally.last.seconds >= span.end,
      tally.second != nil
    else { return nil }
    beforeSeconds = max(span.start - tally.first.seconds, 0)
    afterSeconds = tally.last.seconds - span.end
    seconds = span.seconds
    longestWindowSeconds = tally.longestSeconds
    isGuess =
      !policy.isTrusted && (tally.second == tally.last || tally.second == tally.nextToLast)
    channels = [:]
    for channel in tally.first.joules.keys {
      channels[channel] = ChannelEnergy(channel, tally, during: span, policy)
    }
  }
}

/// When a command ran, by CLOCK_MONOTONIC, in seconds.
public struct CommandSpan: Sendable, Equatable {
  /// Just before it was started.
  public var start: Double
  /// When its end was seen.
  public var end: Double

  /// A span of time.
  public init(start: Double, end: Double) {
    self.start = start
    self.end = end
  }

  /// Its length, in seconds.
  public var seconds: Double { end - start }
}
