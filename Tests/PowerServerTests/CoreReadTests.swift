import Foundation
import PowerProtocol
import PowerServer
import RAPL
import Synchronization
import Testing

/// On AMD, reading the core domain costs a register and an interrupt for each core.
@Suite("A domain that costs a read of every core", .serialized)
struct CoreReadTests {
  private func server(longest: Double = 465, interval: Double = 0.25) throws -> RunningServer {
    let server = try RunningServer(interval: interval, longestCoreInterval: longest)
    // What it begins with has them.
    #expect(takeReads(server) == 1)
    return server
  }

  private func takeReads(_ server: RunningServer) -> Int {
    server.control.domainReads.withLock { count in
      defer { count = 0 }
      return count
    }
  }

  private func wait(_ server: RunningServer, pulses: Int) throws {
    let begun = server.control.pulses.withLock { $0 }
    let end = Date.now.addingTimeInterval(20)
    while server.control.pulses.withLock({ $0 }) < begun + pulses {
      try #require(Date.now < end, "it does not sample")
      usleep(5000)
    }
  }

  @Test("is not read for lines of version 1, nor without a client")
  func lines() throws {
    let server = try server()
    let client = try TestClient(server.path)
    for _ in 0..<4 { _ = try client.line() }
    #expect(takeReads(server) == 0)
    try wait(server, pulses: 1)
    #expect(takeReads(server) == 0)
  }

  @Test("is not read for a subscription that leaves domains out, and its samples have none")
  func without() throws {
    let server = try server()
    let client = try TestClient(server.path)
    _ = try client.ask(.subscribe(intervalSeconds: 0.25, domains: false))
    for _ in 0..<4 {
      guard case .sample(let sample) = try client.answer() else { throw TestFailure(description: "no sample") }
      #expect(sample.packages.map(\.domains.count) == [0])
    }
    #expect(takeReads(server) == 0)
  }

  @Test("is read while a subscription has domains, once for each of its samples, and not once it has ended")
  func subscribed() throws {
    let server = try server()
    let client = try TestClient(server.path)
    _ = try client.ask(.subscribe(intervalSeconds: 1))
    var watts: [Double?] = []
    while watts.count < 3 {
      guard case .sample(let sample) = try client.answer() else { continue }
      watts.append(try #require(sample.packages.first?.domains[.core]).watts)
    }
    // At the first one's start nobody had asked.
    for each in watts.dropFirst() { #expect(abs((each ?? 0) - ScriptedSource.watts / 2) < 0.5, "\(watts)") }
    // The service's own samples, four a second, have none.
    #expect((3...4).contains(takeReads(server)))
    _ = try client.ask(.unsubscribe)
    _ = takeReads(server)
    try wait(server, pulses: 3)
    #expect(takeReads(server) == 0)
  }

  @Test("is read for whoever asks for samples: their second one tells its watts")
  func asked() throws {
    let server = try server()
    let client = try TestClient(server.path)
    _ = try client.line()
    _ = try client.sample()
    try wait(server, pulses: 3)
    let sample = try client.sample()
    let core = try #require(sample.packages.first?.domains[.core])
    #expect(abs((core.watts ?? 0) - ScriptedSource.watts / 2) < 0.5)
    #expect(takeReads(server) > 0)
  }

  @Test(
    "is in the first sample that a client asks for, over a window of a public length, while others only read lines",
    arguments: [0.25, 1, 30])
  func firstAnswer(interval: Double) throws {
    let server = try server(interval: interval)
    let other = try TestClient(server.path)
    _ = try other.line()
    // Until the latest sample's window began without domains.
    if interval <= 1 { for _ in 0..<3 { _ = try other.line() } }
    for _ in 0..<2 {
      let client = try TestClient(server.path)
      _ = try client.line()
      let sample = try client.sample()
      let core = try #require(sample.packages.first?.domains[.core])
      #expect(abs((core.watts ?? 0) - ScriptedSource.watts / 2) < 0.5, "\(sample)")
      #expect(sample.windowSeconds >= 0.24, "\(sample)")
    }
    let reads = server.control.reads.withLock { $0 }
    #expect(zip(reads, reads.dropFirst()).allSatisfy { $1 - $0 >= 239_000_000 }, "\(reads)")
  }

  @Test(
    "is in the first sample of a service that a client wakes soon after another has left, and that does not wait for the next point",
    arguments: [0.25, 1, 30])
  func firstAnswerAfterNap(interval: Double) throws {
    let server = try server(interval: interval)
    do {
      let other = try TestClient(server.path)
      _ = try other.line()
      if interval <= 1 { for _ in 0..<2 { _ = try other.line() } }
    }
    let end = Date.now.addingTimeInterval(10)
    while !server.control.isAsleep {
      try #require(Date.now < end)
      usleep(2000)
    }
    // Until then the latest sample is young enough to answer, if the interval is not long.
    let latest = try #require(server.control.reads.withLock { $0.last })
    let nap = latest + Int64((min(interval, 1) + 0.05) * 1e9)
    while Int64(DispatchTime.now().uptimeNanoseconds) < nap { usleep(2000) }
    let begin = DispatchTime.now().uptimeNanoseconds
    let sample = try TestClient(server.path).sample()
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
    #expect(abs((sample.packages.first?.domains[.core]?.watts ?? 0) - ScriptedSource.watts / 2) < 0.5, "\(sample)")
    // 0.05 s to a sample, and from there to the next point that is far enough.
    #expect(seconds < 0.75, "\(interval) s: \(seconds) s")
  }

  @Test("is not waited for if nothing can be read: the client gets the latest sample")
  func firstAnswerOfNone() throws {
    let server = try server()
    let other = try TestClient(server.path)
    for _ in 0..<3 { _ = try other.line() }
    server.control.become(.failing)
    let client = try TestClient(server.path)
    let begin = Date.now
    #expect(try client.sample().packages.count == 1)
    #expect(Date.now.timeIntervalSince(begin) < 4)
  }

  @Test("is not read for samples that are asked for without domains, fresh ones neither, and these have none")
  func askedWithout() throws {
    let server = try server()
    let client = try TestClient(server.path)
    _ = try client.line()
    var requests = [Request.sample(domains: false)]
    if geteuid() == 0 { requests += [.freshSample(domains: false), .freshSample(domains: false)] }
    for request in requests {
      #expect(try client.sample(request).packages.map(\.domains.count) == [0])
    }
    try wait(server, pulses: 3)
    #expect(try client.sample(.sample(domains: false)).packages.map(\.domains.count) == [0])
    #expect(takeReads(server) == 0)
    // Somebody else's asking does not bring them either.
    let other = try TestClient(server.path)
    _ = try other.line()
    _ = try other.sample()
    try wait(server, pulses: 3)
    #expect(try other.sample().packages.first?.domains[.core] != nil)
    #expect(try client.sample(.sample(domains: false)).packages.map(\.domains.count) == [0])
  }

  @Test("is read in between for a subscription whose samples are further apart than a wrap")
  func rareSubscription() throws {
    // So that a reading is due at each of the service's own samples: the scripted source may go unread for a minute.
    let server = try server(longest: 60)
    let client = try TestClient(server.path)
    _ = try client.ask(.subscribe(intervalSeconds: 3600))
    try wait(server, pulses: 2)
    #expect(takeReads(server) > 0)
  }

  @Test(
    "a trusted client's fresh sample reads it, another's subscription without domains does not",
    .enabled(if: geteuid() == 0))
  func fresh() throws {
    let server = try server()
    let client = try TestClient(server.path)
    _ = try client.line()
    _ = takeReads(server)
    guard case .sample = try client.ask(.freshSample()), case .sample(let sample) = try client.ask(.freshSample())
    else {
      throw TestFailure(description: "no sample")
    }
    #expect(sample.packages.first?.domains[.core]?.watts != nil)
    #expect((2...3).contains(takeReads(server)))
  }
}
