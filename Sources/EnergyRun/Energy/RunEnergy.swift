/// What was drawn while a command ran.
public struct RunEnergy: Sendable, Equatable {
  /// What everybody is told of a moment may be rounded up by half a millisecond, and then lie after a start that came right
  /// behind it.
  private static let roundingSeconds = 0.001

  /// From the first reading to the command's start, in seconds.
  public var beforeSeconds: Double
  /// From the command's end to the last reading, in seconds.
  public var afterSeconds: Double
  /// How long the command took, in seconds.
  public var seconds: Double
  /// How long the longest window was, in seconds.
  public var longestWindowSeconds: Double
  /// Whether all of it lies in windows that the command shares with others.
  public var isGuess: Bool
  /// What each channel drew; what could not be read is missing.
  public var channels: [EnergyChannel: ChannelEnergy]

  /// What a tally tells of a span; nil where it does not reach from before its start to after its end.
  public init?(_ tally: EnergyTally, during span: CommandSpan, _ resolution: Resolution) {
    guard tally.first.seconds <= span.start + Self.roundingSeconds, tally.last.seconds >= span.end,
      tally.second != nil
    else { return nil }
    beforeSeconds = max(span.start - tally.first.seconds, 0)
    afterSeconds = tally.last.seconds - span.end
    seconds = span.seconds
    longestWindowSeconds = tally.longestSeconds
    isGuess =
      !resolution.isExact && (tally.second == tally.last || tally.second == tally.nextToLast)
    channels = [:]
    for channel in tally.first.joules.keys {
      channels[channel] = ChannelEnergy(channel, tally, during: span, resolution)
    }
  }
}

/// When a command ran, by CLOCK_MONOTONIC, in seconds.
public struct CommandSpan: Sendable, Equatable {
  /// Right before it was started.
  public var start: Double
  /// When its end was seen.
  public var end: Double

  /// A span of time.
  public init(start: Double, end: Double) {
    self.start = start
    self.end = end
  }

  /// How long it took, in seconds.
  public var seconds: Double { end - start }
}
