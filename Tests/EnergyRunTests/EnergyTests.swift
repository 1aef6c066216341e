import PowerProtocol
import RAPL
import Testing

@testable import EnergyRun

@Suite("The energy of a command")
struct EnergyTests {
  /// The total of a command in readings of 42.5 W.
  private func measure(_ moments: [Double], _ span: CommandSpan, _ policy: Policy) -> ChannelEnergy? {
    RunEnergy(Trace.constant(42.5).tally(moments), during: span, policy)?.channels[.total]
  }

  private static let grid = (0...24).map { Double($0) * 0.25 }

  @Test("is true at constant power, wherever its windows end", arguments: [true, false], [0.004, 0.1, 0.249])
  func constant(isExact: Bool, start: Double) throws {
    let span = CommandSpan(start: start, end: 5.1)
    let moments = Self.grid.filter { $0 < 5.3 }
    let energy = try #require(measure(moments, span, Trace.policy(isTrusted: isExact, joulesResolution: 0)))
    #expect(abs(energy.joules - 42.5 * span.seconds) < 1e-9)
    #expect(abs(energy.watts - 42.5) < 1e-9)
    #expect(abs((energy.peakWatts ?? 0) - 42.5) < 1e-9)
    #expect(!energy.isLowerBound)
  }

  @Test("has everybody's uncertainty: the larger part of both edge windows, and the rounding")
  func everybody() throws {
    // 4 ms of the first window are outside, and 150 ms of the last: 0.246 + 0.1 s are inside.
    let energy = try #require(
      measure(Self.grid.filter { $0 <= 5.25 }, CommandSpan(start: 0.004, end: 5.1), Trace.everybody))
    let expected = 42.5 * 0.346 + 0.01
    #expect(abs(energy.uncertaintyJoules - expected) < 1e-9)
    #expect(abs(energy.uncertaintyWatts - energy.uncertaintyJoules / 5.096) < 1e-9)
  }

  @Test("has a trusted client's: what the edges and a step of the counter at each of them hold")
  func trusted() throws {
    let energy = try #require(measure([0, 1, 2.003], CommandSpan(start: 0.002, end: 2), Trace.exact))
    let expected = 42.5 * (0.002 + 0.003 + 0.002)
    #expect(abs(energy.uncertaintyJoules - expected) < 1e-9)
  }

  @Test("may be unknown altogether within one window, and says so")
  func short() throws {
    let tally = Trace.constant(40).tally([0, 0.25])
    let run = try #require(RunEnergy(tally, during: CommandSpan(start: 0.05, end: 0.15), Trace.everybody))
    let energy = try #require(run.channels[.total])
    #expect(run.isGuess)
    #expect(abs(energy.joules - 4) < 1e-9)
    #expect(abs(energy.uncertaintyJoules - 6.01) < 1e-9)
    let two = Trace.constant(40).tally([0, 0.25, 0.5])
    #expect(RunEnergy(two, during: CommandSpan(start: 0.05, end: 0.3), Trace.everybody)?.isGuess == true)
    let three = Trace.constant(40).tally([0, 0.25, 0.5, 0.75])
    #expect(RunEnergy(three, during: CommandSpan(start: 0.05, end: 0.6), Trace.everybody)?.isGuess == false)
    #expect(RunEnergy(two, during: CommandSpan(start: 0.05, end: 0.3), Trace.exact)?.isGuess == false)
  }

  @Test("lies within its uncertainty, whatever was drawn when", arguments: 0..<200 as Range<UInt64>)
  func honesty(seed: UInt64) throws {
    var random = Seeded(state: seed)
    let trace = Trace.bursts(&random)
    let start = Double.random(in: 0.25...2, using: &random)
    let span = CommandSpan(start: start, end: start + .random(in: 0.001...3, using: &random))
    let first = (span.start / 0.25).rounded(.down)
    let last = max((span.end / 0.25).rounded(.up), first + 1)
    let tally = trace.tally((Int(first)...Int(last)).map { Double($0) * 0.25 }, rounding: 0.01)
    let energy = try #require(RunEnergy(tally, during: span, Trace.everybody)?.channels[.total])
    let truth = trace.joules(span.end) - trace.joules(span.start)
    #expect(abs(energy.joules - truth) <= energy.uncertaintyJoules + 1e-9)
    // And is not so wide that it could not be wrong.
    let most = trace.joules(last / 4) - trace.joules(first / 4) + 0.02
    #expect(energy.uncertaintyJoules < most)
  }

  @Test("needs readings from before its start and from after its end")
  func incomplete() {
    let tally = Trace.constant(42.5).tally([1, 1.25, 1.5])
    #expect(RunEnergy(tally, during: CommandSpan(start: 0.9, end: 1.4), Trace.everybody) == nil)
    #expect(RunEnergy(tally, during: CommandSpan(start: 1.1, end: 1.6), Trace.everybody) == nil)
    #expect(RunEnergy(tally, during: CommandSpan(start: 1.1, end: 1.5), Trace.everybody) != nil)
    // Told to the millisecond, the reading may seem to be later than the start.
    #expect(RunEnergy(tally, during: CommandSpan(start: 0.9996, end: 1.5), Trace.everybody)?.beforeSeconds == 0)
    let single = EnergyTally(from: Trace.constant(1).point(1), windowSeconds: 0.25)
    #expect(RunEnergy(single, during: CommandSpan(start: 1, end: 1), Trace.exact) == nil)
  }

  @Test("is not changed by readings that come twice, late, or from before the start")
  func readings() throws {
    let trace = Trace.constant(42.5)
    var tally = EnergyTally(from: trace.point(0), windowSeconds: 0.25)
    for moment in [0.25, 0.25, 0.5, 0.25, 0.75, 1] { tally.add(trace.point(moment), notBefore: 0.3) }
    #expect(tally.first.seconds == 0.25)
    #expect(tally.second?.seconds == 0.5)
    #expect(tally.nextToLast.seconds == 0.75)
    #expect(tally.last.seconds == 1)
    let energy = try #require(
      RunEnergy(tally, during: CommandSpan(start: 0.3, end: 0.9), Trace.everybody)?.channels[.total])
    #expect(abs(energy.joules - 42.5 * 0.6) < 1e-9)
  }

  @Test("is whole where a reading is missing in between, and its peak is of usual windows")
  func missing() throws {
    let tally = Trace.constant(42.5).tally([0, 0.25, 1, 1.01, 1.25])
    let energy = try #require(
      RunEnergy(tally, during: CommandSpan(start: 0.01, end: 1.2), Trace.everybody)?.channels[.total])
    #expect(abs(energy.joules - 42.5 * 1.19) < 1e-9)
    #expect(tally.spreads[.total]?.count == 3)
  }

  @Test("peaks where the highest window is, and not in one too short to tell")
  func peak() throws {
    let trace = Trace { 10 * $0 + 5 * max($0 - 0.5, 0) - 5 * max($0 - 0.75, 0) + 90 * max($0 - 1, 0) }
    let tally = trace.tally([0, 0.25, 0.5, 0.75, 1, 1.01])
    let energy = try #require(
      RunEnergy(tally, during: CommandSpan(start: 0, end: 1.005), Trace.exact)?.channels[.total])
    #expect(abs((energy.peakWatts ?? 0) - 15) < 1e-9)
    let short = trace.tally([0, 0.02])
    #expect(RunEnergy(short, during: CommandSpan(start: 0, end: 0.02), Trace.exact)?.channels[.total]?.peakWatts == nil)
  }

  @Test(
    "is a lower bound where the service lost energy meanwhile",
    arguments: [
      // lost before, lost after, a window that does not begin where the last ended
      (false, false, false, false), (false, true, false, true), (false, true, true, true),
      (true, true, false, false), (true, true, true, true),
    ])
  func lowerBound(before: Bool, after: Bool, hasGap: Bool, expected: Bool) {
    let trace = Trace.constant(42.5)
    var first = trace.point(0)
    if before { first.lowerBounds = [.total] }
    var last = trace.point(0.25, window: hasGap ? 0.1 : 0.25)
    if after { last.lowerBounds = [.total] }
    var tally = EnergyTally(from: first, windowSeconds: 0.25)
    tally.add(last)
    let energy = RunEnergy(tally, during: CommandSpan(start: 0, end: 0.25), Trace.exact)?.channels[.total]
    #expect(energy?.isLowerBound == expected)
  }

  @Test("of a domain that could not be read at an edge is missing, and no other")
  func missingDomain() throws {
    let id = PackageID(package: 0)
    let dram = EnergyChannel.part(DomainID(id, .dram))
    var tally = EnergyTally(
      from: EnergyPoint(seconds: 0, windowStart: -1, joules: [.part(DomainID(id, .package)): 1, dram: 1]),
      windowSeconds: 1)
    tally.add(EnergyPoint(seconds: 1, windowStart: 0, joules: [.part(DomainID(id, .package)): 2]))
    let run = try #require(RunEnergy(tally, during: CommandSpan(start: 0, end: 1), Trace.exact))
    #expect(run.channels.keys.sorted() == [.part(DomainID(id, .package))])
  }
}
