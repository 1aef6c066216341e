public import RAPL

/// One line of protocol version 1: what every client gets, unasked.
///
/// Holds whole hundredths of a watt and whole milliseconds, the resolution of the wire, so that what is written and what
/// is read back are equal.
public struct PowerLine: Sendable, Equatable {
  /// How much the watts are worth.
  public enum Status: String, Sendable, Decodable {
    /// A fresh sample.
    case ok
    /// The last good sample, older than 2.5 intervals; the timestamp says how old.
    case stale
    /// A fresh sample of the simulated source: invented.
    case simulated
  }

  /// Hundredths of a watt, summed over all packages; never negative.
  public let centiwatts: Int64
  /// When the window ended, in milliseconds since 1970.
  public let unixMilliseconds: Int64
  /// How much the watts are worth.
  public let status: Status

  /// A line from what stands in it.
  public init(centiwatts: Int64, unixMilliseconds: Int64, status: Status) {
    self.centiwatts = max(centiwatts, 0)
    self.unixMilliseconds = unixMilliseconds
    self.status = status
  }

  /// The line for a sample, rounded to 0.01 W and to milliseconds.
  ///
  /// - Returns: nil for watts that no line can hold: not finite, negative, or more than a petawatt.
  public init?(_ sample: PowerSample, status: Status) {
    guard sample.watts >= 0, sample.watts < 1e15 else { return nil }
    self.init(
      centiwatts: Int64(clamping: (sample.watts * 100).rounded()),
      unixMilliseconds: Self.milliseconds(sample.endUnixNanoseconds), status: status)
  }

  /// Watts, for people and arithmetic.
  public var watts: Double { Double(centiwatts) / 100 }

  /// The same reading under another status.
  public func with(status: Status) -> Self {
    Self(centiwatts: centiwatts, unixMilliseconds: unixMilliseconds, status: status)
  }

  /// Rounded to the nearest, before 1970 as well.
  private static func milliseconds(_ nanoseconds: Int64) -> Int64 {
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if remainder >= 500_000 { return quotient + 1 }
    return remainder < -500_000 ? quotient - 1 : quotient
  }
}
