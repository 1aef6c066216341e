/// Adds up energy window by window, in constant memory for any length of time.
public struct EnergyTally: Sendable {
  /// How much two clock readings of one moment may differ, in seconds. A window that begins later than that left a gap.
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
  /// The length of the longest window, in seconds: a missing reading joins two windows.
  public private(set) var longestSeconds = 0.0
  /// The watts of the windows, without those that are too short.
  public private(set) var spreads: [EnergyChannel: Spread] = [:]
  /// The channels that had a gap.
  private var interrupted: Set<EnergyChannel> = []

  /// A tally that begins at a moment.
  public init(from first: EnergyPoint, windowSeconds: Double) {
    self.windowSeconds = windowSeconds
    self.first = first
    nextToLast = first
    last = first
  }

  /// Adds the next moment. One that is not later than the latest is ignored.
  ///
  /// - Parameter start: the measured time begins no earlier than this: a moment before it replaces the first.
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
      // In a short window the counter's own steps would look like a peak.
      if seconds >= windowSeconds / 2 { spreads[channel, default: Spread()].add((end - begin) / seconds) }
    }
    if second == nil { second = point }
    nextToLast = last
    last = point
  }

  /// The energy that a channel drew from one moment to another, in joules; nil if either is unknown.
  static func joules(_ channel: EnergyChannel, from start: EnergyPoint, to end: EnergyPoint) -> Double? {
    guard let begin = start.joules[channel], let end = end.joules[channel] else { return nil }
    return max(end - begin, 0)
  }

  /// Whether some energy of a channel was not counted between the first moment and the latest.
  ///
  /// Once a service has marked a lower bound, the mark stays. If it was there before, a new loss shows as a gap between windows.
  func isLowerBound(_ channel: EnergyChannel) -> Bool {
    last.lowerBounds.contains(channel) && (!first.lowerBounds.contains(channel) || interrupted.contains(channel))
  }
}
