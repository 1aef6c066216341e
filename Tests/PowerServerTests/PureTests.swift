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
    let grid = SamplingGrid(first: 1000, interval: 1000, shortestWindow: 250)
    #expect(grid.next(after: now) == expected)
  }

  @Test("never drifts, however late each sample is")
  func drift() {
    let grid = SamplingGrid(first: 17, interval: 1000, shortestWindow: 250)
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

@Suite("What clients send")
struct RequestStreamTests {
  private func events(_ chunks: [String]) -> [RequestStream.Event] {
    var stream = RequestStream()
    return chunks.flatMap { stream.take(Array($0.utf8)) }
  }

  @Test(
    "is cut into requests where it begins with a brace, and ignored where it does not",
    arguments: [
      ([], []), ([""], []), (["\n"], []), (["\n{}\n"], []), (["GET / HTTP/1.1\r\n{}\n"], []),
      (["{}\n"], ["{}"]), (["{", "}", "\n"], ["{}"]), (["{}\n{}\n{"], ["{}", "{}"]), (["{}\njunk\n"], ["{}", "junk"]),
      (["{\u{0}\u{7F}\n"], ["{\u{0}\u{7F}"]),
    ] as [([String], [String])])
  func cutting(chunks: [String], requests: [String]) {
    #expect(events(chunks) == requests.map { .request(Array($0.utf8)) })
  }

  @Test("a request of 4,096 bytes is one, a longer one ends the stream")
  func length() {
    let longest = "{" + String(repeating: "x", count: 4095)
    #expect(events([longest + "\n"]) == [.request(Array(longest.utf8))])
    #expect(events([longest, "x", "\n{}\n"]) == [.tooLong])
    #expect(events(["{}\n" + longest + "x\n"]) == [.request(Array("{}".utf8)), .tooLong])
  }

  @Test("nothing more is read once nothing more can matter")
  func exhausted() {
    var ignored = RequestStream()
    _ = ignored.take(Array("hello".utf8))
    #expect(!ignored.isExhausted)
    _ = ignored.take([UInt8](repeating: 0x7B, count: 65_536))
    #expect(ignored.isExhausted)
    var ended = RequestStream()
    _ = ended.take([UInt8](repeating: 0x7B, count: 5000))
    #expect(ended.isExhausted)
  }
}
