internal import CMSRShim
internal import RAPL

/// Whether a platform's counter moves while its package draws energy.
package struct PlatformWatch {
  /// A platform always draws power: its counter moves within this time, even if it counts whole joules.
  private static let standstillNanoseconds: Int64 = 250_000_000

  /// How long it may stand still, in nanoseconds, and how many of its counts the package may draw in that time: it should show
  /// the package's energy and more.
  private static let patienceNanoseconds: Int64 = 5_000_000_000
  private static let patienceCounts = 16.0

  private var counts: UInt64
  private var since: Int64
  private var drawnBefore: Double

  /// - Parameter drawn: the energy that the package has drawn, in joules.
  init(_ platform: EnergyReading, _ drawn: Double) {
    counts = platform.counts
    since = platform.monotonicNanoseconds
    drawnBefore = drawn
  }

  /// Whether a platform's counter shows another value within a quarter of a second. The service and the doctor ask the same.
  ///
  /// - Parameters:
  ///   - first: what it has shown already.
  ///   - read: what it shows now; nil if it cannot be read.
  package static func moves(from first: UInt64?, _ read: () -> UInt64?) -> Bool {
    var first = first
    let start = cmsr_monotonic_nanoseconds()
    var poll = start
    while let value = read() {
      if let first, value != first { return true }
      first = value
      guard poll < start + standstillNanoseconds else { return false }
      poll += 1_000_000
      cmsr_sleep_until(poll)
    }
    return false
  }

  /// Adds a reading.
  ///
  /// - Returns: whether it is now proven that the counter does not move.
  mutating func proves(_ platform: EnergyReading, _ drawn: Double) -> Bool {
    guard platform.counts == counts else {
      self = Self(platform, drawn)
      return false
    }
    return platform.monotonicNanoseconds - since >= Self.patienceNanoseconds
      && drawn - drawnBefore >= Self.patienceCounts * platform.unit.joulesPerCount
  }
}
