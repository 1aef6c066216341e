import RAPL
import Testing

@testable import Diagnosis

@Suite("A tally of windows")
struct TallyTests {
  /// A reference that was written down before.
  private struct Scripted: Reference {
    let reads = "a script"
    let name = "other"
    var trouble: String?
    var script: [[ReferenceWindow]] = []

    mutating func begin() {}
    mutating func windows() -> [ReferenceWindow] { script.isEmpty ? [] : script.removeFirst() }
    func end() {}
  }

  private static let second: Int64 = 1_000_000_000

  private func window(_ package: Int, _ start: Int64, _ watts: Double) -> ReferenceWindow {
    ReferenceWindow(
      channel: DomainID(PackageID(package: package), .package), start: start * Self.second,
      end: (start + 1) * Self.second, watts: watts)
  }

  /// A track of packages that draw so many watts, up to so many seconds, read every 100 ms.
  private func track(_ watts: [UInt64], seconds: Int64) -> EnergyTrack {
    var track = EnergyTrack(keeping: 1000 * Self.second)
    for tick in 0...(seconds * 10) {
      track.record(
        EnergySnapshot(
          readings: watts.enumerated().map { package, watts in
            EnergyReading(
              package: PackageID(package: package), outcome: .read(.advanced(1)), counts: UInt64(tick) * watts,
              unit: EnergyUnit(joulesPerCount: 0.1), losses: 0, monotonicNanoseconds: tick * Self.second / 10)
          }, unixNanoseconds: 0, asleepNanoseconds: 0))
    }
    return track
  }

  @Test("pairs each window with our power over the same time, and sums packages")
  func pairs() throws {
    var tally = CrossCheckTally(
      Scripted(script: [[window(0, 0, 10), window(1, 0, 20)], [window(0, 1, 10), window(1, 1, 20)]]))
    let track = track([10, 21], seconds: 2)
    for _ in 0..<2 { tally.collect(track) }
    #expect(tally.windows == 2)
    #expect(tally.latest?.ours == 10 && tally.latest?.reference == 10)
    let report = tally.report(ourChannels: track.channels, tolerancePercent: 1)
    #expect(report.comparisons.map(\.name) == ["package 0", "package 1", "all packages"])
    #expect(report.comparisons.map { ($0.ours * 100).rounded() } == [1000, 2100, 3100])
    #expect(report.verdict.exitCode == 1)
  }

  @Test("a window whose end we have not read yet waits for it")
  func waiting() {
    var tally = CrossCheckTally(Scripted(script: [[window(0, 0, 10), window(0, 1, 10)]]))
    tally.collect(track([10], seconds: 1))
    #expect(tally.windows == 1)
    tally.collect(track([10], seconds: 2))
    #expect(tally.windows == 2)
  }

  @Test(
    "packages that one side lacks are named",
    arguments: [(1, 2, "other shows package 1, and we do not"), (2, 1, "other shows no package 1")])
  func missing(ours: Int, theirs: Int, says: String) {
    let windows = (0..<3).map { start in (0..<theirs).map { window($0, Int64(start), 10) } }
    var tally = CrossCheckTally(Scripted(script: windows))
    let track = track(Array(repeating: 10, count: ours), seconds: 3)
    for _ in 0..<100 { tally.collect(track) }
    let verdict = tally.report(ourChannels: track.channels, tolerancePercent: 1).verdict
    #expect(verdict.exitCode == 1 && "\(verdict)".contains(says), "\(verdict)")
  }

  @Test("a reference that gives nothing says why")
  func trouble() {
    var tally = CrossCheckTally(Scripted(trouble: "it is out of order."))
    let track = track([10], seconds: 1)
    tally.collect(track)
    #expect(
      tally.report(ourChannels: track.channels, tolerancePercent: 1).verdict == .couldNotCompare("it is out of order."))
  }
}
