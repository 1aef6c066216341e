/// The energy from one moment to another, window by window, in constant memory however long it takes.
public struct EnergyTally: Sendable {
  /// Two clock readings of one moment may differ by so much; a window that begins later than that left something out.
  private static let gapSeconds = 0.005

  /// How long a window usually is, in seconds.
  public let windowSeconds: Double
  /// The moment before everything else.
  public private(set) var first: EnergyPoint
  /// The end of the first window; nil until there is one.
  public private(set) var second: EnergyPoint?
  /// The beginning of the latest window.
  public private(set) var nextToLast: EnergyPoint
  /// The latest moment.
  public private(set) var last: EnergyPoint
  /// How long the longest window was, in seconds: a reading that did not come makes one of two.
  public private(set) var longestSeconds = 0.0
  /// The watts of the windows, without those that are too short to tell.
  public private(set) var spreads: [EnergyChannel: Spread] = [:]
  /// Whose energy has not been followed without a gap.
  private var interrupted: Set<EnergyChannel> = []

  /// A tally that begins at a moment.
  public init(from first: EnergyPoint, windowSeconds: Double) {
    self.windowSeconds = windowSeconds
    self.first = first
    nextToLast = first
    last = first
  }

  /// Takes in the next moment; one that is not later than the latest tells nothing.
  ///
  /// - Parameter start: what is measured begins no earlier than this: moments before it replace the first.
  public mutating func add(_ point: EnergyPoint, notBefore start: Double = -.infinity) {
    guard point.seconds > last.seconds else { return }
    guard point.seconds > start else {
      self = EnergyTally(from: point, windowSeconds: windowSeconds)
      return
    }
    let seconds = point.seconds - last.seconds
    longestSeconds = max(longestSeconds, seconds)
    let hasGap = point.windowStart > last.seconds + Self.gapSeconds
    for channel in first.joules.keys {
      guard let end = point.joules[channel], let begin = last.joules[channel], !hasGap else {
        interrupted.insert(channel)
        continue
      }
      // In a short one the counter's own steps would look like a peak.
      if seconds >= windowSeconds / 2 { spreads[channel, default: Spread()].add((end - begin) / seconds) }
    }
    if second == nil { second = point }
    nextToLast = last
    last = point
  }

  /// What a channel drew from one moment to another, in joules; nil where either is unknown.
  static func joules(_ channel: EnergyChannel, from start: EnergyPoint, to end: EnergyPoint) -> Double? {
    guard let begin = start.joules[channel], let end = end.joules[channel] else { return nil }
    return max(end - begin, 0)
  }

  /// Whether energy of a channel went by uncounted between the first moment and the latest.
  ///
  /// A service says once and for all that it has lost some. Where it had said so before, a loss shows as a gap between windows.
  func isLowerBound(_ channel: EnergyChannel) -> Bool {
    last.lowerBounds.contains(channel) && (!first.lowerBounds.contains(channel) || interrupted.contains(channel))
  }
}
