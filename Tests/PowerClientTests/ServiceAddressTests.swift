import Foundation
import Synchronization
import Testing

@testable import PowerClient

@Suite("The address of the service")
struct ServiceAddressTests {
  /// What was warned of.
  private final class Warnings: Sendable {
    let all = Mutex<[String]>([])
    var count: Int { all.withLock { $0.count } }
  }

  private let warnings = Warnings()

  /// An address whose servers' user is hidden by a user namespace, or trusted.
  private func address(_ named: String? = nil, defaults: [String], isHidden: Bool) -> ServiceAddress {
    ServiceAddress(
      named, defaults: defaults,
      known: { ServerIdentity.Known(service: nil, own: $0, overflow: isHidden ? geteuid() : nil) },
      warn: { [warnings] text in warnings.all.withLock { $0.append(text) } })
  }

  /// Four connections, two of a kind, and what they led to.
  private func connect(_ address: ServiceAddress) throws -> [String] {
    try (0..<2).flatMap { _ in
      [try address.connect().path, try address.connectTrusting(interrupt: -1).path]
    }
  }

  @Test("is the first default path at which something listens; a trusted server is not warned of")
  func defaults() throws {
    let server = Listener(backlog: 16)
    let address = address(defaults: ["/nowhere/a.sock", server.path], isHidden: false)
    #expect(try connect(address) == [String](repeating: server.path, count: 4))
    #expect(warnings.count == 0)
  }

  @Test("a server that may be anyone's is warned of, once for all connections")
  func hidden() throws {
    let server = Listener(backlog: 16)
    let address = address(defaults: [server.path], isHidden: true)
    #expect(try connect(address).count == 4)
    #expect(warnings.count == 1 && warnings.all.withLock { $0[0] }.contains(server.path))
  }

  @Test("a path that was named is trusted, whoever serves there, and no other is tried")
  func named() throws {
    let server = Listener(backlog: 16)
    #expect(try connect(address(server.path, defaults: [], isHidden: true)).count == 4 && warnings.count == 0)
    let missing = address("/nowhere/a.sock", defaults: [server.path], isHidden: false)
    #expect(throws: ClientError.noService(paths: ["/nowhere/a.sock"])) { _ = try missing.connect() }
  }
}
