internal import RAPL

/// Whether a platform's counter moves while its package draws energy.
struct PlatformWatch {
  /// How long it may stand still, in nanoseconds, and while the package draws how many of its counts: it is made to show the
  /// package's energy and more.
  private static let patienceNanoseconds: Int64 = 5_000_000_000
  private static let patienceCounts = 16.0

  private var counts: UInt64
  private var since: Int64
  private var drawnBefore: Double

  /// - Parameter drawn: what the package has drawn, in joules.
  init(_ platform: EnergyReading, _ drawn: Double) {
    counts = platform.counts
    since = platform.monotonicNanoseconds
    drawnBefore = drawn
  }

  /// Takes in a reading.
  ///
  /// - Returns: whether it is proven by now that the counter does not move.
  mutating func proves(_ platform: EnergyReading, _ drawn: Double) -> Bool {
    guard platform.counts == counts else {
      self = Self(platform, drawn)
      return false
    }
    return platform.monotonicNanoseconds - since >= Self.patienceNanoseconds
      && drawn - drawnBefore >= Self.patienceCounts * platform.unit.joulesPerCount
  }
}
