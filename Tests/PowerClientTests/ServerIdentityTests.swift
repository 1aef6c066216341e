import PowerProtocol
import Testing

@testable import PowerClient

@Suite("Whoever serves")
struct ServerIdentityTests {
  typealias Known = ServerIdentity.Known

  @Test(
    "is trusted if it is root, the service's user or the caller",
    arguments: [
      (0, Known(service: 990, own: 1000, overflow: nil), .trusted),
      (990, Known(service: 990, own: 1000, overflow: nil), .trusted),
      (1000, Known(service: 990, own: 1000, overflow: nil), .trusted),
      (1001, Known(service: 990, own: 1000, overflow: nil), .foreign),
      (990, Known(service: nil, own: 1000, overflow: nil), .foreign),
      // Where every user is seen, nobody is a user like another.
      (65_534, Known(service: 990, own: 1000, overflow: nil), .foreign),
      (65_534, Known(service: 990, own: 65_534, overflow: nil), .trusted),
      // Where not, that number may be anybody's, even if it is the caller's too.
      (65_534, Known(service: 990, own: 1000, overflow: 65_534), .hidden),
      (65_534, Known(service: 990, own: 65_534, overflow: 65_534), .hidden),
      (0, Known(service: 990, own: 0, overflow: 65_534), .trusted),
      (1001, Known(service: 990, own: 1000, overflow: 65_534), .foreign),
      (nil, Known(service: 990, own: 1000, overflow: nil), .hidden),
    ] as [(UInt32?, Known, ServerIdentity.Trust)])
  func trust(user: UInt32?, known: Known, expected: ServerIdentity.Trust) {
    let server = ServerIdentity(path: SocketPaths.preferred, user: user, known: known)
    #expect(server.trust == expected)
    #expect(server.isAcceptable == (expected != .foreign))
    let original = ServerIdentity(path: SocketPaths.original, user: user, known: known)
    #expect(original.isAcceptable == (expected == .trusted))
  }

  @Test("is named")
  func words() {
    let known = Known(service: nil, own: 1000, overflow: nil)
    let daemon = ServerIdentity(path: "/tmp/x", user: 1, known: known)
    #expect("\(daemon)".contains("/tmp/x is served by user daemon (1),"))
    let unknown = ServerIdentity(path: "/tmp/x", user: 4_000_000_000, known: known)
    #expect("\(unknown)".contains("is served by user 4000000000,"))
  }
}
