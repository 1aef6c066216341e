import Foundation
import PowerProtocol
import PowerServer
import RAPL
import Testing

private let group: TrustedGroup = ("power", 54_321)
private let isRoot: Comment = "only root can connect as somebody else"

@Suite("Who asks decides", .serialized)
struct PolicyTests {
  @Test(
    "root and members of the group are trusted, by their peer credentials",
    .enabled(if: Peer.canChange, isRoot),
    arguments: [(.itself, true), (.nobody, false), (.member(54_321), true), (.member(54_320), false)] as [(Peer, Bool)])
  func trust(peer: Peer, isTrusted: Bool) throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    guard case .info(let info) = try TestClient(server.path, as: peer).ask(.info) else {
      throw TestFailure(description: "no info")
    }
    #expect(info.policy.isTrusted == isTrusted && info.policy.trustedGroup == "power")
    #expect(info.policy.shortestIntervalSeconds == (isTrusted ? 0.01 : 0.25))
    #expect((info.policy.wattsResolution == nil) == isTrusted && (info.policy.joulesResolution == nil) == isTrusted)
  }

  @Test("without a group nobody but root is trusted", .enabled(if: Peer.canChange, isRoot))
  func noGroup() throws {
    let server = try RunningServer(interval: 0.5)
    guard case .info(let info) = try TestClient(server.path, as: .member(0)).ask(.info) else {
      throw TestFailure(description: "no info")
    }
    #expect(!info.policy.isTrusted && info.policy.trustedGroup == nil)
  }

  @Test("everybody who asks for more is told whose it is", .enabled(if: Peer.canChange, isRoot))
  func refused() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    let client = try TestClient(server.path, as: .nobody)
    guard case .refused(let refusal) = try client.ask(.subscribe(intervalSeconds: 0.1)) else {
      throw TestFailure(description: "granted")
    }
    #expect(refusal.code == "not_allowed" && refusal.message.contains("group power"))
    #expect(try client.ask(.subscribe(intervalSeconds: 0.25)) == .subscribed(Subscription(intervalSeconds: 0.25)))
  }

  @Test(
    "everybody gets watts to 10 mW and joules to 10 mJ, the trusted all digits", .enabled(if: Peer.canChange, isRoot))
  func resolution() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    func digits(_ peer: Peer) throws -> Bool {
      let client = try TestClient(server.path, as: peer)
      _ = try client.line()
      let samples = try (0..<5).map { _ in
        usleep(20_000)
        return try client.sample()
      }
      return samples.allSatisfy { sample in
        [sample.watts, sample.joules, sample.packages[0].watts, sample.packages[0].joules].allSatisfy {
          abs(($0 * 100).rounded() / 100 - $0) < 1e-9
        }
      }
    }
    #expect(try digits(.nobody))
    #expect(try !digits(.member(54_321)))
  }

  @Test("the trusted get the public window too, unless they ask for a fresh one", .enabled(if: Peer.canChange, isRoot))
  func publicWindow() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    let client = try TestClient(server.path, as: .member(54_321))
    for _ in 0..<20 {
      let sample = try client.sample()
      #expect(sample.windowSeconds >= 0.24, "\(sample.windowSeconds) s")
      usleep(30_000)
    }
  }

  @Test(
    "what the trusted read in between costs everybody's sample none of its domains",
    .enabled(if: Peer.canChange, isRoot))
  func domains() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    let trusted = try TestClient(server.path, as: .member(54_321))
    let other = try TestClient(server.path, as: .nobody)
    _ = try other.line()
    for _ in 0..<4 {
      _ = try other.line()
      // Shortly before the next point.
      usleep(400_000)
      let fresh = try trusted.sample(.freshSample())
      _ = try other.line()
      let sample = try other.sample()
      for domains in [fresh, sample].map(\.packages[0].domains) {
        let watts = try #require(domains[.core]?.watts)
        #expect(abs(watts - ScriptedSource.watts / 2) < 0.5)
      }
    }
  }

  @Test("a fresh window is refused to everybody else, and the group is named", .enabled(if: Peer.canChange, isRoot))
  func freshRefused() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    guard case .refused(let refusal) = try TestClient(server.path, as: .nobody).ask(.freshSample()) else {
      throw TestFailure(description: "granted")
    }
    #expect(refusal.code == "not_allowed" && refusal.message.contains("group power"))
  }

  @Test(
    "the trusted get a fresh reading each time that they ask for one, 10 ms apart at least",
    .enabled(if: Peer.canChange, isRoot))
  func fresh() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    let client = try TestClient(server.path, as: .member(54_321))
    _ = try client.line()
    var last = try client.sample(.freshSample())
    for _ in 0..<20 {
      let asked = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
      let sample = try client.sample(.freshSample())
      #expect(sample.monotonicSeconds >= asked)
      #expect(abs(sample.monotonicSeconds - sample.windowSeconds - last.monotonicSeconds) < 1e-6)
      #expect(sample.windowSeconds >= 0.0099, "\(sample.windowSeconds) s")
      last = sample
    }
  }

  @Test(
    "the trusted are streamed a window at each point of 10 ms, 9 ms apart at least",
    .enabled(if: Peer.canChange, isRoot))
  func stream() throws {
    let server = try RunningServer(interval: 0.5, trustedGroup: group)
    let client = try TestClient(server.path, as: .member(54_321))
    _ = try client.ask(.subscribe(intervalSeconds: 0.01))
    for _ in 0..<200 {
      guard case .sample(let sample) = try client.answer() else { throw TestFailure(description: "a line") }
      #expect(sample.windowSeconds >= 0.0089, "\(sample.windowSeconds) s")
    }
  }
}
