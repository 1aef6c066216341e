import Testing

@testable import EnergyRun

@Suite("Idle power")
struct IdleTests {
  @Test("is the mean of the whole time, uncertain by how its windows wander")
  func mean() throws {
    // Windows of 10, 12, 10 and 12 W.
    let trace = Trace { 10 * $0 + 2 * (max($0 - 1, 0) - max($0 - 2, 0) + max($0 - 3, 0)) }
    let idle = try #require(IdlePower(trace.tally([0, 1, 2, 3, 4], window: 1), Trace.exact))
    #expect(idle.seconds == 4)
    let total = try #require(idle.channels[.total])
    #expect(abs(total.value - 11) < 1e-9)
    let deviation = (4.0 / 3).squareRoot()
    #expect(abs(total.uncertainty - deviation) < 1e-9)
    let everybody = try #require(IdlePower(trace.tally([0, 1, 2, 3, 4], window: 1), Trace.everybody))
    let wider = try #require(everybody.channels[.total]).uncertainty
    #expect(abs(wider - deviation - 0.0025) < 1e-9)
  }

  @Test("is none of a single window, or of one that lost energy")
  func none() {
    #expect(IdlePower(Trace.constant(10).tally([0, 1], window: 1), Trace.exact) == nil)
    var tally = Trace.constant(10).tally([0, 1, 2], window: 1)
    var point = Trace.constant(10).point(3)
    point.lowerBounds = [.total]
    tally.add(point)
    #expect(IdlePower(tally, Trace.exact) == nil)
  }

  @Test("is subtracted for as long as the command took, with both uncertainties")
  func subtraction() throws {
    let idle = try #require(IdlePower(Trace.constant(10).tally([0, 1, 2], window: 1), Trace.exact))
    let tally = Trace.constant(50).tally([0, 1, 2, 3], window: 1)
    let run = try #require(RunEnergy(tally, during: CommandSpan(start: 0, end: 3), Trace.exact))
    let above = try #require(ChannelSummary(.total, in: [run], idle: idle)?.aboveIdleJoules)
    #expect(abs(above.value - 120) < 1e-9)
    #expect(abs(above.uncertainty - 0.1) < 1e-9)
    var wandering = idle
    wandering.channels[.total]?.uncertainty = 2
    let wider = try #require(ChannelSummary(.total, in: [run], idle: wandering)?.aboveIdleJoules)
    #expect(abs(wider.uncertainty - 6.1) < 1e-9)
  }
}
