internal import RAPL

/// The energy of each channel over the last while, for any moment in it.
struct EnergyTrack {
  private struct Point {
    let time: Int64
    let joules: Double
    let losses: UInt32
  }

  /// The greatest time between two readings that still tells what lies between them, in nanoseconds.
  private static let widestGap: Int64 = 500_000_000

  /// Steps that are at least so far apart are known each.
  private static let shortestKnownPeriod: Int64 = 250_000_000

  private let keptNanoseconds: Int64
  /// From step to step, for counters that move in steps; 0 for others.
  private let periodNanoseconds: Int64
  private var points: [DomainID: [Point]] = [:]

  /// A track that remembers this many nanoseconds.
  ///
  /// - Parameter period: how the counters step, in nanoseconds; 0 if they are up to date at any time.
  init(keeping nanoseconds: Int64, period: Int64 = 0) {
    keptNanoseconds = nanoseconds
    periodNanoseconds = period
  }

  /// All channels that were read.
  var channels: Set<DomainID> { Set(points.keys) }

  /// Adds a snapshot. Readings that failed leave a gap.
  mutating func record(_ snapshot: EnergySnapshot) {
    for reading in snapshot.readings {
      switch reading.outcome {
      case .failed, .read(.implausible): continue
      case .read: break
      }
      let time = reading.monotonicNanoseconds
      let channel = DomainID(reading.package, reading.domain)
      // It has not stepped since.
      if periodNanoseconds > 0, points[channel]?.last?.time == time { continue }
      let point = Point(time: time, joules: reading.unit.joules(reading.counts), losses: reading.losses)
      var kept = points[channel, default: []]
      kept.append(point)
      // Trimmed rarely, because each time moves everything that is kept.
      if let first = kept.first, time - first.time > 2 * keptNanoseconds {
        kept.removeAll { time - $0.time > keptNanoseconds }
      }
      points[channel] = kept
    }
  }

  /// Mean power between two moments of the monotonic clock.
  ///
  /// - Parameter isAsShown: whether the energy at a moment is what the counter showed then, rather than what was drawn up to then:
  ///   of one that moves in steps that is the latest step's.
  /// - Returns: watts, and how far the nearest readings were from those moments; nil if the track does not reach that far, or
  ///   energy was lost in between.
  func power(
    of channel: DomainID, from start: Int64, to end: Int64, isAsShown: Bool = false
  ) -> (watts: Double, apartNanoseconds: Int64)? {
    let isStep = isAsShown && periodNanoseconds >= Self.shortestKnownPeriod
    guard end > start, let points = points[channel], let first = energy(points, at: start, isStep: isStep),
      let last = energy(points, at: end, isStep: isStep), first.losses == last.losses
    else { return nil }
    let watts = (last.joules - first.joules) * 1e9 / Double(end - start)
    return (watts, max(first.apart, last.apart))
  }

  /// The energy at a moment: in a straight line between the readings around it, or as of the step before it.
  private func energy(
    _ points: [Point], at time: Int64, isStep: Bool
  ) -> (joules: Double, losses: UInt32, apart: Int64)? {
    guard let after = points.firstIndex(where: { $0.time >= time }) else { return nil }
    let next = points[after]
    if next.time == time { return (next.joules, next.losses, 0) }
    guard after > 0 else { return nil }
    let previous = points[after - 1]
    let gap = next.time - previous.time
    // The time of a step in between is unknown.
    let widestGap = isStep ? periodNanoseconds * 3 / 2 : max(Self.widestGap, periodNanoseconds * 5 / 2)
    guard previous.losses == next.losses, gap <= widestGap else { return nil }
    let share = isStep ? 0 : Double(time - previous.time) / Double(gap)
    return (
      previous.joules + share * (next.joules - previous.joules), next.losses,
      min(time - previous.time, next.time - time)
    )
  }
}
