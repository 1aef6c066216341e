import Foundation
import PowerProtocol
import RAPL
import Testing

@testable import PowerServer

private let policy = Policy(
  isTrusted: true, trustedGroup: nil, shortestIntervalSeconds: 0.01, wattsResolution: nil, joulesResolution: nil)
private let second: Int64 = 1_000_000_000

private func snapshot(joules: Double, at time: Int64) -> EnergySnapshot {
  let reading = EnergyReading(
    package: PackageID(package: 0), outcome: .read(.advanced(1)), counts: UInt64(joules * 1000),
    unit: EnergyUnit(joulesPerCount: 0.001), losses: 0, monotonicNanoseconds: time)
  return EnergySnapshot(readings: [reading], unixNanoseconds: time, asleepNanoseconds: 0)
}

let isSanitized = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains {
  ProcessInfo.processInfo.environment[$0] != nil
}

/// Fills a history with windows of so many nanoseconds, one behind the other.
private struct Filler {
  var history = PowerHistory()
  var now: Int64 = 0
  var joules = 0.0

  mutating func add(watts: Double, nanoseconds: Int64 = second, asleep: Bool = false) {
    let start = snapshot(joules: joules, at: now)
    now += nanoseconds
    joules += watts * Double(nanoseconds) / 1e9
    let sample = PowerSample(
      watts: watts, windowNanoseconds: nanoseconds, endMonotonicNanoseconds: now,
      endUnixNanoseconds: now)
    history.add(
      PowerWindow(start: start, end: snapshot(joules: joules, at: now), sample: sample), end: now, asleep: asleep)
  }

  func rows(seconds: Int) -> [HistoryReport.Row] {
    history.report(seconds: seconds, now: now, policy: policy).rows
  }
}

@Suite("History")
struct PowerHistoryTests {
  @Test("keeps a quarter of an hour by the second, and gives what was asked for")
  func fine() {
    var filler = Filler()
    for index in 0..<1200 { filler.add(watts: Double(index)) }
    #expect(filler.rows(seconds: 900).map(\.watts) == (300..<1200).map(Double.init))
    #expect(filler.rows(seconds: 10).map(\.watts) == (1190..<1200).map(Double.init))
    #expect(filler.rows(seconds: 1).count == 1)
  }

  @Test("keeps a day by the minute, with least, mean, most and joules, and the minute that has begun")
  func coarse() throws {
    var filler = Filler()
    for minute in 0..<1500 {
      for part in 0..<60 { filler.add(watts: Double(minute * 100 + part)) }
    }
    for _ in 0..<7 { filler.add(watts: 1) }
    let rows = filler.rows(seconds: 86_400)
    #expect(rows.count == 1441)
    #expect(filler.rows(seconds: 901).count == 16)
    let minute = try #require(rows.dropLast().last)
    #expect(minute.leastWatts == 149_900 && minute.mostWatts == 149_959 && minute.seconds == 60)
    #expect(abs(minute.watts - 149_929.5) < 0.001 && abs(minute.joules - minute.watts * 60) < 0.1)
    #expect(try #require(rows.last).seconds == 7)
  }

  @Test("windows shorter than a second become seconds, longer ones stay what they are")
  func lengths() {
    var filler = Filler()
    for index in 0..<8 { filler.add(watts: Double(index), nanoseconds: second / 4) }
    filler.add(watts: 5, nanoseconds: 4 * second)
    filler.add(watts: 6, nanoseconds: second / 2)
    let rows = filler.rows(seconds: 900)
    #expect(rows.map(\.seconds) == [1, 1, 4, 0.5])
    #expect(rows.map(\.leastWatts) == [0, 4, 5, 6] && rows.map(\.mostWatts) == [3, 7, 5, 6])
    #expect(rows.map(\.watts) == [1.5, 5.5, 5, 6])
  }

  @Test("time asleep is one row for each wakeup, and marks its minute")
  func asleep() {
    var filler = Filler()
    filler.add(watts: 50)
    filler.add(watts: 60, nanoseconds: second / 2)
    filler.add(watts: 5, nanoseconds: 30 * second, asleep: true)
    filler.add(watts: 6, nanoseconds: 20 * second, asleep: true)
    filler.add(watts: 40)
    let rows = filler.rows(seconds: 900)
    #expect(rows.map(\.isAsleep) == [false, false, true, true, false])
    #expect(rows.map(\.watts) == [50, 60, 5, 6, 40])
    let minute = filler.rows(seconds: 86_400)
    #expect(minute.count == 1 && minute[0].isAsleep && minute[0].leastWatts == 5)
  }

  @Test(
    "the mean lies between the least and the most, however late each package was read",
    arguments: 0..<40 as Range<UInt64>)
  func meanWithin(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var (history, meter) = (PowerHistory(), PowerMeter())
    let packages = Int.random(in: 1...4, using: &random)
    let watts = (0..<packages).map { _ in Double.random(in: 0.5...400, using: &random) }
    let isSteady = Bool.random(using: &random)
    // The packages are read one after the other, and each may be interrupted; those that step have times of their own.
    let latest = [10_000, 1_000_000, 20_000_000, 1_000_000_000].randomElement(using: &random) ?? 0
    let interval = [250_000_000, second, 4 * second].randomElement(using: &random) ?? second
    var counts = [Double](repeating: 0, count: packages)
    var times = [Int64](repeating: 0, count: packages)
    for point in 1...400 {
      let readings = (0..<packages).map { package in
        let time = max(
          Int64(point) * interval + Int64.random(in: 0...Int64(latest), using: &random), times[package] + 1_000_000)
        let factor = isSteady ? 1 : Double.random(in: 0.5...2, using: &random)
        counts[package] += watts[package] * factor * Double(time - times[package]) / 1e9 * 16_384
        times[package] = time
        return EnergyReading(
          package: PackageID(package: package), outcome: .read(.advanced(1)), counts: UInt64(counts[package]),
          unit: EnergyUnit(joulesPerCount: 1 / 16_384), losses: 0, monotonicNanoseconds: time)
      }
      let end = EnergySnapshot(readings: readings, unixNanoseconds: times[packages - 1], asleepNanoseconds: 0)
      guard case .window(let window) = meter.measure(end) else { continue }
      history.add(
        window, end: window.sample.endMonotonicNanoseconds, asleep: Int.random(in: 0..<20, using: &random) == 0)
    }
    let everyone = Policy(
      isTrusted: false, trustedGroup: nil, shortestIntervalSeconds: 0.25, wattsResolution: 0.01, joulesResolution: 0.01)
    for policy in [policy, everyone] {
      for seconds in [900, 86_400] {
        let rows = history.report(seconds: seconds, now: times[packages - 1], policy: policy).rows
        #expect(rows.count > 1)
        for row in rows { #expect(row.leastWatts <= row.watts && row.watts <= row.mostWatts, "\(row)") }
      }
    }
  }

  @Test(
    "a full day costs less than 300 kB",
    .disabled(if: isSanitized, "a sanitizer keeps memory of its own for each byte"))
  func size() throws {
    var full = Filler()
    for _ in 0..<90_000 { full.add(watts: 10) }
    // The first of these may use memory again that earlier tests have let go of. So only the others are counted.
    var fillers = [Filler](repeating: full, count: 1024)
    let counted = 512..<1024
    // Each gets rows of its own by this.
    for index in 0..<512 { fillers[index].add(watts: 10) }
    let before = try privateBytes()
    for index in counted { fillers[index].add(watts: 10) }
    let each = (try privateBytes() - before) / counted.count
    #expect(fillers.allSatisfy { (1440...1441).contains($0.rows(seconds: 86_400).count) })
    #expect(each < 300_000 && each > 100_000, "\(each) bytes")
  }

  /// Memory that is this process's alone.
  private func privateBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("Private_") }
    return lines.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.reduce(0, +) * 1024
  }
}

@Suite("A grid of 250 ms")
struct PublicGridTests {
  @Test(
    "divides every interval without a rest",
    arguments: [0.5, 0.7, 1, 1.1, 1.0000001, 3.3333333, 60, 3600, 0.3, 0.001, 0.0123456789])
  func step(seconds: Double) {
    let settings = ServerSettings(intervalSeconds: seconds)
    #expect(settings.interval % settings.publicStep == 0)
    #expect(settings.publicStep >= min(ServerSettings.shortestPublicWindow, settings.interval))
    #expect(abs(Double(settings.interval) / 1e9 - seconds) < 1e-6 * max(seconds, 1))
  }

  @Test("a reading that is up to 10 ms late skips no point of it, a later one takes the next point's place")
  func late() {
    let settings = ServerSettings(intervalSeconds: 1)
    #expect(settings.shortestPublicGap == 240_000_000)
    let grid = SamplingGrid(first: 0, interval: settings.publicStep, shortestGap: settings.shortestPublicGap)
    let points = [1, 10, 11].map { grid.next(after: $0 * 1_000_000) / 1_000_000 }
    #expect(points == [250, 250, 500])
  }

  @Test("lateness does not accumulate: 150 s of a public subscription have 600 points, each at most 10 ms late")
  func punctual() {
    let settings = ServerSettings(intervalSeconds: 1)
    var stream = SampleStream(
      SampleStream.Key(interval: settings.publicStep, isTrusted: false), phase: 0,
      shortestGap: settings.shortestPublicGap, start: nil, now: 0)
    var reads: [Int64] = []
    var random = SystemRandomNumberGenerator()
    while stream.next <= 150_000_000_000 {
      // As the event loop is: a little late always, never early.
      let now = stream.next + Int64.random(in: 50_000...9_000_000, using: &random)
      reads.append(now)
      _ = stream.take(nil, now: now)
    }
    #expect(reads.count == 600)
    #expect(zip(reads, reads.dropFirst()).allSatisfy { $1 - $0 >= settings.shortestPublicGap })
  }
}
