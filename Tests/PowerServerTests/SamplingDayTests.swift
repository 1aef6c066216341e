import PowerProtocol
import RAPL
import Testing

@testable import PowerServer

/// As chrony tests its daemon: the whole schedule in simulated time, a day in seconds.
@Suite("A day of sampling")
struct SamplingDayTests {
  static let plans = [
    SimulatedDay.Plan(seed: 1), SimulatedDay.Plan(seed: .random(in: 0 ... .max)),
    SimulatedDay.Plan(seed: 2, hours: 6, interval: 0.5), SimulatedDay.Plan(seed: 3, hours: 6, interval: 60),
    SimulatedDay.Plan(seed: 4, hours: 6, longestCoreSeconds: 200),
    SimulatedDay.Plan(seed: 5, hours: 6, period: 1_020_000_000),
  ]

  @Test("keeps to the grid, misses no wrap, loses no sample, and lets no client wait", arguments: plans)
  func day(plan: SimulatedDay.Plan) {
    let day = SimulatedDay(plan)
    day.run()
    #expect(day.checks.violations.isEmpty, "\(plan)")
    // What the day did not have was not held.
    var parts = [
      "sample", "sample that wakes", "mean of a sleep", "no sample", "failure", "recovery", "public sample",
      "trusted sample", "stale sample of a stream", "reading of its own", "public reading in time",
      "public reading late", "trusted reading", "client that waits",
    ]
    if plan.period != nil { parts.append("latest again") }
    for part in parts { #expect(day.checks.seen[part, default: 0] > 0, "no \(part): \(plan)") }
  }
}
