public import PowerProtocol
public import RAPL

/// Everything that has an energy of its own in a report. The total comes first, then each package followed by its domains.
public enum EnergyChannel: Sendable, Hashable, Comparable {
  /// All packages together.
  case total
  /// A package, or a domain of one, which is not added to the total.
  case part(DomainID)
}

/// The energy that every channel had drawn by one moment, from a sample.
public struct EnergyPoint: Sendable, Equatable {
  /// The moment, by CLOCK_MONOTONIC, in seconds.
  public var seconds: Double
  /// The start of the sample's window, in seconds of the same clock.
  public var windowStart: Double
  /// Joules since the service's start. A channel that could not be read at this moment is missing.
  public var joules: [EnergyChannel: Double]
  /// The channels whose joules are a lower bound.
  public var lowerBounds: Set<EnergyChannel> = []
}

extension EnergyPoint {
  /// The moment of a sample; nil for a stale one, which repeats an earlier moment.
  public init?(_ sample: SampleReport) {
    guard sample.status != .stale else { return nil }
    self.init(
      seconds: sample.monotonicSeconds, windowStart: sample.monotonicSeconds - sample.windowSeconds,
      joules: [.total: sample.joules], lowerBounds: sample.isLowerBound ? [.total] : [])
    for (package, domain, drawn) in sample.parts where drawn.watts != nil {
      let channel = EnergyChannel.part(DomainID(package, domain))
      joules[channel] = drawn.joules
      if drawn.isLowerBound { lowerBounds.insert(channel) }
    }
  }
}
