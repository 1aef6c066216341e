internal import PowerProtocol

/// The energy that a channel drew while a command ran.
public struct ChannelEnergy: Sendable, Equatable {
  /// How late a RAPL counter shows energy: it advances about every millisecond (Intel SDM 3B, 16.10.1).
  private static let counterStepSeconds = 0.001

  /// The energy, in joules.
  public var joules: Double
  /// How far `joules` may be from the truth, in joules.
  public var uncertaintyJoules: Double
  /// The mean power.
  public var watts: Double
  /// How far `watts` may be from the truth, in watts.
  public var uncertaintyWatts: Double
  /// The mean of the highest window; nil if no window was long enough to tell.
  public var peakWatts: Double?
  /// Whether `joules` is a lower bound.
  public var isLowerBound: Bool

  /// The energy within a span, from a tally that covers it; nil if a reading that this needs is missing.
  ///
  /// The first and the last window reach a little beyond the span. They count in proportion to the time within it.
  init?(_ channel: EnergyChannel, _ tally: EnergyTally, during span: CommandSpan, _ policy: Policy) {
    guard let all = EnergyTally.joules(channel, from: tally.first, to: tally.last),
      let edges = Self.edges(channel, tally, during: span)
    else { return nil }
    peakWatts = tally.spreads[channel]?.highest
    isLowerBound = tally.isLowerBound(channel)
    let outside = edges.reduce(0) { $0 + $1.joules * (1 - $1.share) }
    let covered = tally.last.seconds - tally.first.seconds
    let seconds = max(span.seconds, .leastNormalMagnitude)
    joules = all - outside
    watts = joules / seconds
    if policy.isTrusted {
      let edgeSeconds = max(covered - span.seconds, 0) + 2 * Self.counterStepSeconds
      uncertaintyJoules = max(peakWatts ?? 0, all / covered) * edgeSeconds + (policy.joulesResolution ?? 0)
    } else {
      // All the energy of these two windows may have been drawn outside the span, or all inside.
      let inside = edges.reduce(0) { $0 + $1.joules * $1.share }
      uncertaintyJoules = max(inside, outside) + (policy.joulesResolution ?? 0)
    }
    uncertaintyWatts = uncertaintyJoules / seconds
  }

  /// The windows that the span begins and ends in: their energy, and the part of their time that lies in the span.
  private static func edges(
    _ channel: EnergyChannel, _ tally: EnergyTally, during span: CommandSpan
  ) -> [(joules: Double, share: Double)]? {
    guard let second = tally.second else { return nil }
    let windows =
      second == tally.last ? [(tally.first, second)] : [(tally.first, second), (tally.nextToLast, tally.last)]
    var edges: [(joules: Double, share: Double)] = []
    for (start, end) in windows {
      guard let joules = EnergyTally.joules(channel, from: start, to: end) else { return nil }
      let seconds = min(end.seconds, span.end) - max(start.seconds, span.start)
      edges.append((joules, min(max(seconds / (end.seconds - start.seconds), 0), 1)))
    }
    return edges
  }
}
