import Formatting
import Foundation
import PowerProtocol
import PowerServer
import Synchronization
import TestSupport
import Testing

@Suite("With no client", .namesTrials, .serialized)
struct SleepTests {
  private func waitUntilAsleep(_ server: RunningServer) throws {
    let end = Date.now.addingTimeInterval(10)
    while !server.control.isAsleep {
      try #require(Date.now < end, "it does not fall asleep")
      usleep(5000)
    }
  }

  private func now() -> Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }

  /// What a source draws in a time, in watts on average, if so many counts come on top.
  private func mean(_ counts: UInt64, over seconds: Double) -> Double {
    ScriptedSource.watts + Double(counts) / 16_384 / seconds
  }

  @Test("after a long sleep a client gets a short window that began after it came, not the mean of the sleep")
  func fresh() throws {
    let server = try RunningServer(longestWakingWindow: 0.3)
    try waitUntilAsleep(server)
    let reads = server.control.reads.withLock { $0.count }
    // Ten intervals, and energy that would show in a mean over them.
    usleep(500_000)
    #expect(server.control.reads.withLock { $0.count } == reads)
    server.control.burst.withLock { $0 += 1_000_000 }
    let came = now()
    let client = try TestClient(server.path)
    let line = try client.line()
    #expect(abs(line.watts - ScriptedSource.watts) < 0.5 && line.status == .ok, "\(line)")
    let window = server.control.reads.withLock { Array($0[reads...].prefix(2)) }
    // 50 ms, less the tolerance of the grid.
    #expect(window[0] >= came && window[1] - window[0] >= 49_000_000, "\(window) after \(came)")
    // Told behind the line.
    _ = try client.line()
    #expect(!server.control.isAsleep)
  }

  @Test("a client that wakes it as it is told to end gets the latest line, marked as stale")
  func ends() throws {
    let server = try RunningServer(interval: 0.5)
    try waitUntilAsleep(server)
    sleep(2)
    let client = try TestClient(server.path)
    client.write("{\"get\": \"info\"}\n")
    #expect(try client.text()?.contains("\"version\"") == true)
    server.stop()
    #expect(try client.line().status == .stale)
    #expect(try client.text() == nil)
  }

  @Test("it reads the counters as often as they need it")
  func reads() throws {
    let server = try RunningServer(longestSleep: 0.2)
    try waitUntilAsleep(server)
    let reads = server.control.reads.withLock { $0.count }
    let end = Date.now.addingTimeInterval(10)
    while server.control.reads.withLock({ $0.count }) < reads + 4 {
      try #require(Date.now < end, "it reads nothing")
      usleep(5000)
    }
    let times = server.control.reads.withLock { Array($0[(reads - 1)...]) }
    for (last, next) in zip(times, times.dropFirst()) { #expect(next - last >= 200_000_000) }
    let mean = server.control.pulse.withLock { $0?.line }
    #expect(try abs(#require(mean).watts - ScriptedSource.watts) < 0.5)
  }

  @Test("it falls asleep as soon as the last client has left, and reads nothing for nobody")
  func leaves() throws {
    let server = try RunningServer(interval: 0.5)
    try waitUntilAsleep(server)
    let reads: Int
    do {
      let client = try TestClient(server.path)
      _ = try client.line()
      _ = try client.line()
      reads = server.control.reads.withLock { $0.count }
    }
    let left = now()
    try waitUntilAsleep(server)
    #expect(now() - left < 300_000_000)
    usleep(1_200_000)
    #expect(server.control.reads.withLock { $0.count } == reads)
  }

  @Test(
    "a client that polls gets the mean since it was last there, on one reading each time", arguments: [false, true])
  func polled(asks: Bool) throws {
    let server = try RunningServer(interval: 0.5)
    func poll() throws -> (watts: Double, seconds: Double) {
      let client = try TestClient(server.path)
      if !asks { return (try client.line().watts, 0) }
      let sample = try client.sample()
      return (sample.watts, sample.windowSeconds)
    }
    _ = try TestClient(server.path).line()
    for _ in 0..<3 {
      try waitUntilAsleep(server)
      let reads = server.control.reads.withLock { $0 }
      usleep(700_000)
      server.control.burst.withLock { $0 += 100_000 }
      usleep(300_000)
      let began = now()
      let polled = try poll()
      let times = server.control.reads.withLock { $0 }
      #expect(times.count == reads.count + 1, "\(times)")
      let (last, next) = try (#require(reads.last), #require(times.last))
      let seconds = Double(next - last) / 1e9
      #expect(abs(polled.watts - mean(100_000, over: seconds)) < 0.5, "\(polled) over \(seconds) s")
      if asks { #expect(abs(polled.seconds - seconds) < 0.02) }
      // On the grid of 50 ms, and a moment for a busy machine.
      #expect(now() - began < 90_000_000)
    }
  }

  @Test("a reading while it sleeps begins what a client sees that comes then")
  func afterReading() throws {
    let server = try RunningServer(longestSleep: 1)
    try waitUntilAsleep(server)
    server.control.burst.withLock { $0 += 1_000_000 }
    let reads = server.control.reads.withLock { $0.count }
    let end = Date.now.addingTimeInterval(10)
    while server.control.reads.withLock({ $0.count }) == reads {
      try #require(Date.now < end, "it reads nothing")
      usleep(5000)
    }
    usleep(400_000)
    let line = try TestClient(server.path).line()
    #expect(abs(line.watts - ScriptedSource.watts) < 0.5, "\(line)")
  }

  @Test("a subscription that comes with the client that wakes it puts its line off no further", arguments: 0..<5)
  func subscriber(step: Int) throws {
    let server = try RunningServer(interval: 0.5, longestWakingWindow: 0)
    try waitUntilAsleep(server)
    let point = try #require(server.control.reads.withLock { $0.first }) + 250_000_000
    // The window then ends a little after the point of the grid.
    server.control.readMicroseconds.withLock { $0 = 8000 }
    // Just before a point of the grid of 50 ms, each of those between two of 250 ms in turn.
    let grid: Int64 = 50_000_000
    let wanted = (now() + 1_700_000_000 - point) / (5 * grid) * 5 * grid + point + Int64(step) * grid - 4_000_000
    usleep(UInt32((wanted - now()) / 1000))
    let began = now()
    let client = try TestClient(server.path)
    // Untrusted: its points are everybody's.
    let subscriber = try TestClient(server.path, as: Peer.canChange ? .nobody : .itself)
    subscriber.write(Request.subscribe(intervalSeconds: 0.25).json.text + "\n")
    _ = try client.line()
    #expect(now() - began < 350_000_000, "\((now() - began) / 1_000_000) ms")
  }

  @Test("a counter that is set anew at each reading leaves no client without a line")
  func discontinuous() throws {
    let server = try RunningServer(interval: 0.5)
    try waitUntilAsleep(server)
    usleep(1_500_000)
    server.control.become(.resetting)
    let began = now()
    let line = try TestClient(server.path).line()
    #expect(line.status == .stale && now() - began < 600_000_000)
  }

  @Test("one odd reading after a sleep is tried again, and stales no line")
  func odd() async { await atOnce([10, 0.2], odd) }

  private func odd(longestWakingWindow: Double) throws {
    let server = try RunningServer(interval: 0.5, longestWakingWindow: longestWakingWindow)
    try waitUntilAsleep(server)
    usleep(1_500_000)
    server.control.oddReadings.withLock { $0 = 1 }
    let line = try TestClient(server.path).line()
    #expect(line.status == .ok && abs(line.watts - ScriptedSource.watts) < 0.5, "\(line)")
    #expect(server.control.oddReadings.withLock { $0 } == 0)
  }

  @Test(
    "if nothing can be read after a sleep, every client has a line within 300 ms, also if it is not stale yet",
    arguments: [(0.05, 0.2, 10), (0.5, 0.8, 10), (0.5, 1.6, 10), (0.5, 1.6, 0)])
  func failingFast(interval: Double, asleep: Double, longestWakingWindow: Double) throws {
    let server = try RunningServer(interval: interval, longestWakingWindow: longestWakingWindow)
    try waitUntilAsleep(server)
    server.control.become(.failing)
    // Longer than an interval: until then the latest line is young, and nothing is read for it.
    usleep(UInt32(asleep * 1e6))
    // The first wakes it, the others come while it waits, or later.
    var clients: [TestClient] = []
    for _ in 0..<12 {
      let began = now()
      let client = try TestClient(server.path)
      #expect(try client.line().watts > 0)
      #expect(now() - began < 300_000_000)
      clients.append(client)
      usleep(41_000)
    }
  }

  @Test("woken where nothing can be read, it goes on saying that it lives, and sleeps again once nobody waits")
  func woken() throws {
    let server = try RunningServer()
    try waitUntilAsleep(server)
    server.control.become(.failing)
    let pulses = server.control.pulses.withLock { $0 }
    do {
      let client = try TestClient(server.path)
      let end = Date.now.addingTimeInterval(10)
      while server.control.pulses.withLock({ $0 }) < pulses + 5 {
        try #require(Date.now < end, "it does not say that it lives")
        usleep(5000)
      }
      while try client.line().status != .stale {}
    }
    var reads = 0
    let end = Date.now.addingTimeInterval(10)
    while server.control.reads.withLock({ $0.count }) != reads {
      try #require(Date.now < end, "it does not fall asleep again")
      reads = server.control.reads.withLock { $0.count }
      usleep(500_000)
    }
    server.control.become(.good)
    var line = try TestClient(server.path).line()
    if line.status == .stale { line = try TestClient(server.path).line() }
    #expect(line.centiwatts > 0)
  }

  @Test(
    "where nothing can be read any more, whoever wakes it gets the last sample as stale, and a fresh one after that")
  func failing() throws {
    let server = try RunningServer()
    try waitUntilAsleep(server)
    server.control.become(.failing)
    usleep(200_000)
    let client = try TestClient(server.path)
    var line = try client.line()
    #expect(line.status == .stale)
    server.control.become(.good)
    while line.status == .stale { line = try client.line() }
    #expect(abs(line.watts - ScriptedSource.watts) < 0.5)
  }
}
