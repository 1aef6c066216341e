internal import Powercap

/// Reads of one zone after the other, of which the first had to wait.
///
/// The kernel's files answer at once, so a program takes the time once, and then reads all zones. A wait for the first one must
/// not make the others later: they get the energy of the same moment.
struct Sweep {
  /// The next read of a sweep comes this soon after the latest, in seconds: a script may start a program for each zone.
  private static let pauseSeconds = 0.2

  /// The moment of the first, by CLOCK_MONOTONIC in seconds.
  private let moment: Double
  private var latest: Double
  private var zones: Set<EnergyZone>

  /// Begins with a read that has waited, or goes on with it.
  ///
  /// - Parameter now: when it is answered.
  init(after read: PendingRead, of zone: EnergyZone, in sweep: Sweep?, now: Double) {
    moment = read.moment
    latest = now
    zones = (sweep?.moment == read.moment ? sweep?.zones ?? [] : []).union([zone])
  }

  /// The moment whose energy a read gets; nil if the sweep is over.
  mutating func moment(of read: PendingRead, zone: EnergyZone) -> Double? {
    guard read.asked - latest <= Self.pauseSeconds, zones.insert(zone).inserted else { return nil }
    latest = max(latest, read.asked)
    return moment
  }
}
