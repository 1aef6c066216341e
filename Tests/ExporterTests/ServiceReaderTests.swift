import Formatting
import Foundation
import PowerClient
import PowerProtocol
import Synchronization
import Testing

@testable import Exporter

@Suite("The service as an exporter asks it", .timeLimit(.minutes(1)))
struct ServiceReaderTests {
  private static func reader(_ service: FakeService, interrupt: Int32 = -1) -> ServiceReader {
    ServiceReader(ServiceAddress(service.path), interrupt: interrupt)
  }

  @Test("keeps one connection for its questions, until it is told to disconnect")
  func connection() throws {
    let service = try FakeService { FakeService.answer($0) }
    let reader = Self.reader(service)
    for _ in 0..<3 { #expect(try reader.observe(units: false) == Examples.observation) }
    #expect(try reader.history(seconds: 600) == Examples.history)
    #expect(service.connections.withLock { $0 } == 1)
    reader.disconnect()
    #expect(try reader.observe(units: false) == Examples.observation)
    #expect(service.connections.withLock { $0 } == 2)
  }

  @Test("asks a service that was restarted anew, and says so if there is none")
  func restart() throws {
    let service = try FakeService { FakeService.answer($0) }
    let reader = Self.reader(service)
    _ = try reader.observe(units: false)
    service.end()
    #expect(throws: ClientError.noService(paths: [service.path])) { try reader.observe(units: false) }
    let restarted = try FakeService(at: service.path) { FakeService.answer($0) }
    #expect(try reader.observe(units: false) == Examples.observation)
    #expect(restarted.connections.withLock { $0 } == 1)
    restarted.end()
    let again = try FakeService(at: service.path) { FakeService.answer($0) }
    #expect(try reader.history(seconds: 600) == Examples.history, "within one question")
    again.end()
  }

  @Test("refuses to pass on finer readings than everyone may know", arguments: [nil, "power"])
  func trusted(group: String?) throws {
    var info = Examples.info
    info.policy.isTrusted = true
    info.policy.trustedGroup = group
    let service = try FakeService { [info] in FakeService.answer($0, info: info) }
    let error = #expect(throws: TooTrusted.self) { try Self.reader(service).observe(units: false) }
    #expect(error?.group == group && "\(error, default: "")".contains("power") == (group != nil))
  }

  @Test("a refusal is not asked again")
  func refusal() throws {
    let service = try FakeService { request in
      if case .history = request { ([RequestError.busy.json.line], false) } else { FakeService.answer(request) }
    }
    let error = #expect(throws: ClientError.self) { try Self.reader(service).history(seconds: 600) }
    guard case .refused(_, let refusal)? = error else {
      Issue.record("another error")
      return
    }
    #expect(refusal.code == "busy" && service.connections.withLock { $0 } == 1)
  }

  @Test("an end interrupts a wait for a service that hangs")
  func interrupt() throws {
    let service = try FakeService { _ in ([], false) }
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    #expect(write(ends[1], "x", 1) == 1)
    #expect(throws: ClientError.interrupted) { try Self.reader(service, interrupt: ends[0]).observe(units: false) }
  }
}
