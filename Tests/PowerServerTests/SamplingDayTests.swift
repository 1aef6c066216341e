import Foundation
import PowerProtocol
import RAPL
import Testing

@testable import PowerServer

/// As chrony tests its daemon: the whole schedule in simulated time, a day in seconds.
@Suite("A day of sampling")
struct SamplingDayTests {
  /// With SAMPLING_DAYS=N that many days more, each different on every run.
  static let plans =
    [
      SimulatedDay.Plan(seed: 1), SimulatedDay.Plan(seed: 17_063_306_123_106_759_442),
      SimulatedDay.Plan(seed: 2, hours: 6, interval: 0.5), SimulatedDay.Plan(seed: 3, hours: 6, interval: 60),
      SimulatedDay.Plan(seed: 4, hours: 6, longestCoreSeconds: 200),
      SimulatedDay.Plan(seed: 6, hours: 6, interval: 10, longestCoreSeconds: 465),
      SimulatedDay.Plan(seed: 5, hours: 6, period: 1_020_000_000),
      // A client comes just after a reading that could not be used.
      SimulatedDay.Plan(seed: 17_569_130_763_559_746_752, hours: 11, interval: 5),
    ] + randomPlans

  private static var randomPlans: [SimulatedDay.Plan] {
    let count = ProcessInfo.processInfo.environment["SAMPLING_DAYS"].flatMap { Int($0) } ?? 0
    return (0..<max(count, 0)).map { number in
      SimulatedDay.Plan(
        seed: .random(in: 0 ... .max), interval: number % 2 == 0 ? 1 : [0.25, 5, 30].randomElement() ?? 1,
        longestCoreSeconds: number % 2 == 0 ? nil : 465)
    }
  }

  @Test("keeps to the grid, misses no wrap, loses no sample, and lets no client wait", arguments: plans)
  func day(plan: SimulatedDay.Plan) {
    let day = SimulatedDay(plan)
    day.run()
    #expect(day.checks.violations.isEmpty, "\(plan)")
    // What the day did not have was not held.
    var parts = [
      "sample", "sample that wakes", "mean of a sleep", "no sample", "failure", "recovery", "public sample",
      "trusted sample", "stale sample of a stream", "reading of its own", "public reading in time",
      "public reading late", "trusted reading", "client that waits", "window for a client",
    ]
    if plan.period != nil { parts.append("latest again") }
    if plan.longestCoreSeconds != nil { parts.append("window with domains") }
    for part in parts { #expect(day.checks.seen[part, default: 0] > 0, "no \(part): \(plan)") }
  }
}
