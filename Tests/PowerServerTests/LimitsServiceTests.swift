import Formatting
import Foundation
import PowerProtocol
import PowerServer
import RAPL
import Synchronization
import Testing

@Suite("Requests for limits", .serialized)
struct LimitsServiceTests {
  private func limits(_ client: TestClient) throws -> LimitsReport {
    guard case .limits(let limits) = try client.ask(.limits) else { throw TestFailure(description: "no limits") }
    return limits
  }

  @Test("are answered with what the source tells, whoever asks, even if nothing else can be read")
  func answer() throws {
    for behaviour in [ScriptedSource.Behaviour.good, .failing] {
      let server = try RunningServer(interval: 0.5, behaviour: behaviour)
      let report = try limits(TestClient(server.path, as: Peer.canChange ? .nobody : .itself))
      #expect(report.source == "msr" && report.reason == nil)
      #expect(report.packages.map(\.limits) == [ScriptedLimits.limits])
      #expect(report.packages.first?.throttling.celsius?.value == 61)
      #expect(abs(report.unixSeconds - Date.now.timeIntervalSince1970) < 5)
    }
  }

  @Test("cost nothing while there are none")
  func unasked() throws {
    let server = try RunningServer(interval: 0.5)
    let client = try TestClient(server.path)
    for _ in 0..<4 { _ = try client.line() }
    _ = try client.sample()
    #expect(server.control.limitReads.withLock { $0.isEmpty })
  }

  @Test("share one reading until the next public point, however many ask")
  func shared() throws {
    let server = try RunningServer(interval: 0.5)
    let clients = try (0..<8).map { _ in try TestClient(server.path) }
    var told: Set<Double> = []
    let end = Date.now.addingTimeInterval(2)
    var answers = 0
    while Date.now < end {
      for client in clients { client.write(Request.limits.json.text + "\n") }
      for client in clients {
        guard case .limits(let limits) = try client.answer() else { throw TestFailure(description: "no limits") }
        told.insert(limits.monotonicSeconds)
        answers += 1
      }
    }
    let reads = server.control.limitReads.withLock { $0 }
    #expect(answers > 10 * reads.count && told.count == reads.count && reads.count >= 2)
    #expect(zip(reads, reads.dropFirst()).allSatisfy { $1 - $0 >= 237_000_000 }, "\(reads)")
  }

  @Test("are in order with other requests, and one that has gone is forgotten")
  func order() throws {
    let server = try RunningServer(interval: 0.5)
    do {
      let gone = try TestClient(server.path)
      gone.write(Request.limits.json.text + "\n")
    }
    let client = try TestClient(server.path)
    _ = try client.line()
    client.write([Request.limits, .info, .limits].map { $0.json.text + "\n" }.joined())
    guard case .limits = try client.answer(), case .info(let info) = try client.answer(),
      case .limits = try client.answer()
    else {
      throw TestFailure(description: "another order")
    }
    #expect(info.requests["limits"] == [])
  }

  @Test("of a source without limits are answered at once, with the reason")
  func none() throws {
    for (source, says) in [("simulated", "simulated CPU"), ("turbostat", "turbostat"), ("msr", "No register")] {
      let server = try RunningServer(interval: 0.5, hasLimits: false) { $0.description.source = source }
      let report = try limits(TestClient(server.path))
      #expect(report.source == nil && report.packages.isEmpty && report.reason?.contains(says) == true)
    }
  }
}
