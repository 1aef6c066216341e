import Foundation
import PowerProtocol
import PowerServer
import Synchronization
import Testing

@Suite("With no client", .serialized)
struct SleepTests {
  private func waitUntilAsleep(_ server: RunningServer) throws {
    let end = Date.now.addingTimeInterval(10)
    while !server.control.isAsleep {
      try #require(Date.now < end, "it does not fall asleep")
      usleep(5000)
    }
  }

  private func now() -> Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }

  @Test("it sleeps, and whoever comes gets a short window that began after that, not the mean of the sleep")
  func fresh() throws {
    let server = try RunningServer()
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
    #expect(window[0] >= came && window[1] - window[0] >= 50_000_000, "\(window) after \(came)")
    // Told behind the line.
    _ = try client.line()
    #expect(!server.control.isAsleep)
  }

  @Test("the window for whoever comes begins on the grid, wherever in between they come", arguments: [0, 65, 130, 195])
  func grid(milliseconds: UInt32) throws {
    // Of 50 ms, wider than any lateness.
    let server = try RunningServer(interval: 0.5)
    try waitUntilAsleep(server)
    // The first sample lies on the grid.
    let (point, reads) = server.control.reads.withLock { ($0[1], $0.count) }
    usleep(600_000 + milliseconds * 1000)
    _ = try TestClient(server.path).line()
    let begin = server.control.reads.withLock { $0[reads] }
    let off = (begin - point) % 50_000_000
    #expect(min(off, 50_000_000 - off) < 20_000_000, "\(off) ns off the grid")
  }

  @Test("it looks at the counters as often as they need it")
  func doze() throws {
    let server = try RunningServer(longestSleep: 0.2)
    try waitUntilAsleep(server)
    let reads = server.control.reads.withLock { $0.count }
    let end = Date.now.addingTimeInterval(10)
    while server.control.reads.withLock({ $0.count }) < reads + 4 {
      try #require(Date.now < end, "it does not wake")
      usleep(5000)
    }
    let times = server.control.reads.withLock { Array($0[(reads - 1)...]) }
    for (last, next) in zip(times, times.dropFirst()) { #expect(next - last >= 200_000_000) }
    let mean = server.control.pulse.withLock { $0?.line }
    #expect(try abs(#require(mean).watts - ScriptedSource.watts) < 0.5)
  }

  @Test("a client that comes again and again keeps it awake")
  func polled() throws {
    let server = try RunningServer(interval: 0.1)
    _ = try TestClient(server.path).line()
    for _ in 0..<10 {
      usleep(100_000)
      #expect(!server.control.isAsleep)
      _ = try TestClient(server.path).line()
    }
    try waitUntilAsleep(server)
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
