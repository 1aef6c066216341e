import Testing

@testable import PowerServer

@Suite("The sampling grid")
struct SamplingGridTests {
  @Test(
    "gives the next point that leaves room for a window",
    arguments: [
      (0, 1000), (700, 1000), (1000, 2000), (1001, 2000), (1700, 2000), (1750, 2000), (1751, 3000), (1999, 3000),
      (2000, 3000), (50_100, 51_000), (50_900, 52_000),
    ] as [(Int64, Int64)])
  func next(now: Int64, expected: Int64) {
    let grid = SamplingGrid(first: 1000, interval: 1000, shortestGap: 250)
    #expect(grid.next(after: now) == expected)
  }

  @Test("never drifts, however late each sample is")
  func drift() {
    let grid = SamplingGrid(first: 17, interval: 1000, shortestGap: 250)
    var time = grid.first
    for index in 0..<1000 {
      time = grid.next(after: time + Int64(index % 740))
      #expect((time - 17) % 1000 == 0)
    }
    #expect(time == 17 + 1000 * 1000)
  }
}

@Suite("Settings")
struct ServerSettingsTests {
  @Test(
    "follow from the interval",
    arguments: [
      (1.0, 250_000_000, 250_000_000, 500_000_000, 2_500_000_000),
      (0.5, 250_000_000, 250_000_000, 500_000_000, 1_250_000_000),
      (0.01, 10_000_000, 5_000_000, 10_000_000, 25_000_000),
      (4.0, 250_000_000, 250_000_000, 500_000_000, 10_000_000_000),
    ] as [(Double, Int64, Int64, Int64, Int64)])
  func derived(seconds: Double, first: Int64, shortest: Int64, silence: Int64, stale: Int64) {
    let settings = ServerSettings(intervalSeconds: seconds)
    #expect(settings.firstWindow == first && settings.shortestWindow == shortest)
    #expect(settings.silence == silence && settings.staleAge == stale)
  }

  @Test("no number traps", arguments: [0, -1, .nan, .infinity, 1e300])
  func extremes(seconds: Double) {
    #expect(ServerSettings(intervalSeconds: seconds).interval > 0)
  }
}
