import Foundation
import PowerProtocol
import PowerServer
import RAPL
import Synchronization
import Testing

@Suite("What a client asks", .serialized)
struct RequestServiceTests {
  @Test("is answered in the order asked, valid or not, also when all of it comes at once")
  func order() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    client.write(
      #"{"get": "info"}"# + "\nnonsense\n" + #"{"get": "sample"}"# + "\n" + #"{"get": "history", "seconds": 5}"# + "\n"
        + #"{"get": "soup"}"# + "\n" + #"{"subscribe": "none"}"# + "\n")
    var kinds: [String] = []
    while kinds.count < 6 { kinds.append(try client.answer().kind) }
    #expect(kinds == ["info", "invalid_json", "sample", "history", "unknown_request", "subscribed"])
  }

  @Test("info tells what is measured, and what applies to this connection")
  func info() throws {
    let server = try RunningServer(isSimulated: true)
    guard case .info(let info) = try TestClient(server.path).ask(.info) else {
      throw TestFailure(description: "no info")
    }
    #expect(info.isSimulated && info.intervalSeconds == 0.05 && info.protocolVersion == 2)
    #expect(info.packages.map(\.id) == [PackageID(package: 0)])
    #expect(info.packages.first?.domains.first?.unitJoules == 1.0 / 16_384)
    #expect(info.policy.isTrusted == (geteuid() == 0))
  }

  @Test("a sample's joules go on from sample to sample as its watts say")
  func sample() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    _ = try client.line()
    let first = try client.sample()
    usleep(150_000)
    let second = try client.sample()
    let seconds = second.monotonicSeconds - first.monotonicSeconds
    #expect(seconds > 0.05 && second.sequence > first.sequence)
    let mean = (second.joules - first.joules) / seconds
    #expect(abs(mean - ScriptedSource.watts) < 1, "\(mean) W")
    #expect(second.status == .ok && second.reason == nil && !second.isLowerBound)
    #expect(second.packages.first?.joules == second.joules)
    #expect(second.service.cpuSeconds > 0 && second.service.wakeups > 0)
  }

  @Test("a service that was asleep answers with a window that ends after the question")
  func asleep() throws {
    let server = try RunningServer()
    let end = Date.now.addingTimeInterval(10)
    while !server.control.isAsleep {
      try #require(Date.now < end, "it does not fall asleep")
      usleep(5000)
    }
    usleep(300_000)
    let came = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
    let sample = try TestClient(server.path).sample()
    // Since the latest reading before it fell asleep.
    #expect(sample.monotonicSeconds > came && sample.windowSeconds > 0.3, "\(sample)")
  }

  @Test("without any reading the answer is an error")
  func nothing() throws {
    let server = try RunningServer(behaviour: .failing)
    let client = try TestClient(server.path)
    client.write(#"{"get": "sample"}"# + "\n")
    #expect(try client.answer().kind == "no_reading")
  }

  @Test("a stale sample says why")
  func stale() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    _ = try client.line()
    server.control.become(.failing)
    var sample = try client.sample()
    while sample.status != .stale { sample = try client.sample() }
    #expect(sample.reason?.contains("package 0 could not be read") == true, "\(sample)")
    #expect(sample.watts > 0)
  }

  @Test("a subscription replaces the lines, each sample over the time since the one before; its end is silence")
  func subscription() throws {
    let server = try RunningServer(interval: 0.05)
    let client = try TestClient(server.path, as: .nobody)
    _ = try client.line()
    #expect(
      try client.ask(.subscribe(intervalSeconds: 0.12)) == .subscribed(Subscription(intervalSeconds: 0.15)),
      "rounded up to the grid")
    var last: SampleReport?
    for _ in 0..<5 {
      guard case .sample(let sample) = try client.answer() else { throw TestFailure(description: "a line in between") }
      #expect(abs(sample.watts - ScriptedSource.watts) < 0.5)
      if let last {
        #expect(sample.sequence == last.sequence + 1)
        #expect(abs(sample.monotonicSeconds - sample.windowSeconds - last.monotonicSeconds) < 0.002)
      }
      last = sample
    }
    _ = try client.ask(.unsubscribe)
    #expect(client.receive(milliseconds: 300) == nil)
  }

  @Test("domains are not read more often than everybody may know of them, until somebody asks")
  func domains() throws {
    let server = try RunningServer(interval: 0.01)
    func reads() -> (all: Int, withDomains: Int) {
      (server.control.reads.withLock { $0.count }, server.control.domainReads.withLock { $0 })
    }
    let client = try TestClient(server.path)
    for _ in 0..<60 { _ = try client.line() }
    let before = reads()
    #expect(before.withDomains * 10 <= before.all, "\(before)")
    _ = try client.ask(.subscribe(intervalSeconds: 0.01))
    for _ in 0..<30 { _ = try client.answer() }
    let after = reads()
    #expect(after.withDomains - before.withDomains >= 25, "\(before), \(after)")
  }

  @Test("a subscriber's stale sample is its latest one once more, under the same number; the next one has the next")
  func staleSubscription() throws {
    let server = try RunningServer(interval: 0.05)
    let client = try TestClient(server.path)
    // Before it subscribes the service has had samples, which are not the subscription's.
    for _ in 0..<4 { _ = try client.line() }
    _ = try client.ask(.subscribe(intervalSeconds: nil))
    var samples: [SampleReport] = []
    func take() throws -> PowerLine.Status {
      guard case .sample(let sample) = try client.answer() else { throw TestFailure(description: "a line in between") }
      samples.append(sample)
      return sample.status
    }
    for _ in 0..<3 { _ = try take() }
    server.control.become(.failing)
    while try take() != .stale {}
    _ = try take()
    server.control.become(.good)
    while try take() != .ok {}
    for (before, sample) in zip(samples, samples.dropFirst()) {
      #expect(sample.sequence == before.sequence + (sample.status == .ok ? 1 : 0), "\(samples.map(\.sequence))")
      #expect(sample.status == .ok || sample.monotonicSeconds == before.monotonicSeconds)
    }
  }

  @Test("history is there at once, oldest first, its joules those of its watts")
  func history() throws {
    let server = try RunningServer(interval: 0.5)
    let client = try TestClient(server.path)
    for _ in 0..<5 { _ = try client.line() }
    guard case .history(let history) = try client.ask(.history(seconds: 900)) else {
      throw TestFailure(description: "no history")
    }
    #expect(history.rows.count >= 2)
    #expect(zip(history.rows, history.rows.dropFirst()).allSatisfy { $0.unixSeconds < $1.unixSeconds })
    for row in history.rows where !row.isAsleep {
      #expect(abs(row.joules - row.watts * row.seconds) < 0.1 && abs(row.watts - ScriptedSource.watts) < 0.5)
      #expect(row.leastWatts <= row.watts + 0.1 && row.mostWatts >= row.watts - 0.1)
    }
  }

  @Test("a client that asks for much and reads nothing costs others nothing, and is closed")
  func greedy() throws {
    let server = try RunningServer(interval: 0.5)
    let witness = try TestClient(server.path)
    _ = try witness.line()
    let greedy = try (0..<40).map { _ in try TestClient(server.path) }
    // An answer that no socket's buffer holds.
    let request = String(repeating: #"{"get": "soup"}"# + "\n", count: 200)
    for client in greedy { client.write(request) }
    for _ in 0..<4 { #expect(try witness.line().status == .ok) }
    var polled = greedy.map { $0.ended() }
    let end = Date.now.addingTimeInterval(30)
    while polled.contains(false) {
      try #require(Date.now < end, "they stay")
      _ = try witness.line()
      polled = greedy.map { $0.ended() }
    }
  }
}

extension Answer {
  /// Its one member's name, or an error's code.
  fileprivate var kind: String {
    switch self {
    case .line: "line"
    case .info: "info"
    case .sample: "sample"
    case .history: "history"
    case .limits: "limits"
    case .subscribed: "subscribed"
    case .refused(let refusal): refusal.code
    }
  }
}
