import Foundation
import Testing

/// Both well-known paths are a test's own: in a mount namespace with an empty /run and /tmp.
@Suite("Whoever serves at a path that was not named", .serialized, .enabled(if: Executables.isRoot, "needs root"))
struct TrustTests {
  enum User: String {
    case root, nobody, daemon, hidden

    /// A command that ends by executing another as this user.
    var wrapper: String {
      let group = self == .nobody ? "nogroup" : rawValue
      return switch self {
      case .root: ""
      case .nobody, .daemon: "setpriv --reuid \(rawValue) --regid \(group) --clear-groups"
      // A namespace of its own that knows nobody else.
      case .hidden: "setpriv --reuid daemon --regid daemon --clear-groups unshare -Ur"
      }
    }
  }

  struct Case: CustomTestStringConvertible {
    let server: User
    let client: User
    /// What the client says of the server; nil: nothing.
    let warning: String?
    let isRefused: Bool
    var testDescription: String { "\(server) to \(client)" }
  }

  static let cases = [
    Case(server: .root, client: .root, warning: nil, isRefused: false),
    Case(server: .root, client: .nobody, warning: nil, isRefused: false),
    Case(server: .nobody, client: .nobody, warning: nil, isRefused: false),
    Case(server: .nobody, client: .root, warning: "served by user nobody (65534)", isRefused: true),
    Case(server: .daemon, client: .nobody, warning: "served by user daemon (1)", isRefused: true),
    // In /run, which root alone gives to somebody, a server that cannot be told is only warned of.
    Case(server: .root, client: .hidden, warning: "Cannot tell who serves at /run/", isRefused: false),
    Case(server: .nobody, client: .hidden, warning: "Cannot tell who serves at /tmp/", isRefused: true),
  ]

  /// Runs a script beside a simulated service at the well-known paths, in which $P is a client of such a user.
  private func run(_ server: User, _ client: User, _ script: String, seconds: Double = 30) throws -> (Int32, String) {
    // Root serves at both paths, everybody else in /tmp only.
    let lines = [
      "set -e; mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp",
      "\(server.wrapper) $0 --source simulated \(server == .root ? "--user root" : "") >/tmp/log 2>&1 &",
      "S=$!; trap 'kill $S; wait $S || :' EXIT; until grep -q Ready /tmp/log; do sleep 0.05; done",
      "P=\"\(client.wrapper) $0\"; set +e", script,
    ]
    return try Child.run(
      ["unshare", "-m", "bash", "-c", lines.joined(separator: "\n"), Executables.service], seconds: seconds)
  }

  @Test("is named in a warning unless it is to be trusted", arguments: cases)
  func warning(example: Case) throws {
    for command in ["read", "watch --once", "export --format json"] {
      let (code, output) = try run(example.server, example.client, "$P \(command)")
      #expect(code == 0 && output.contains(command.hasSuffix("json") ? "\"watts\"" : " W"), "\(output)")
      #expect(output.contains("Warning: ") == (example.warning != nil), "\(output)")
      #expect(example.warning.map { output.contains($0) } ?? true, "\(output)")
    }
  }

  @Test("is named by doctor, which does not say that the service answers")
  func doctor() throws {
    let (_, output) = try run(.daemon, .root, "$P doctor")
    #expect(output.contains("warning  service"), "\(output)")
    #expect(output.contains("/tmp/pkg-watt-stat.sock is served by user daemon (1)"), "\(output)")
  }

  @Test("is refused by run unless it is to be trusted", arguments: cases)
  func refusal(example: Case) throws {
    let (code, output) = try run(example.server, example.client, "$P run -- echo started")
    #expect(code == (example.isRefused ? 125 : 0), "\(output)")
    #expect(output.contains("started\n") != example.isRefused, "\(output)")
    #expect(example.warning.map { output.contains($0) } ?? true, "\(output)")
    #expect(output.contains("name its path: --socket /tmp/pkg-watt-stat.sock") == example.isRefused, "\(output)")
  }

  @Test("is taken by run without a word once it is named", arguments: cases.filter(\.isRefused))
  func named(example: Case) throws {
    let script = "$P run --socket /tmp/pkg-watt-stat.sock -- echo started"
    let (code, output) = try run(example.server, example.client, script)
    #expect(code == 0 && output.contains("started\n") && output.contains(" J"), "\(output)")
    #expect(!output.contains("may be invented"), "\(output)")
  }

  static let exporters: [(server: User, starter: User, isNamed: Bool)] = [
    (.daemon, .nobody, false), (.daemon, .nobody, true), (.nobody, .nobody, false), (.root, .root, false),
    // Started as root it becomes nobody, who is not for that the one who started it.
    (.nobody, .root, false), (.nobody, .root, true),
  ]

  @Test(
    "is refused by the exporter unless it is to be trusted by the one who started it, or named", arguments: exporters)
  func exporter(server: User, starter: User, isNamed: Bool) throws {
    let script = """
      $P exporter --listen 127.0.0.1:0 \(isNamed ? "--socket /tmp/pkg-watt-stat.sock" : "") >/tmp/exporter 2>&1 &
      E=$!; until grep -q Ready /tmp/exporter; do sleep 0.05; done
      ADDRESS=$(grep -o 'http://[0-9.:]*/metrics' /tmp/exporter)
      python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' $ADDRESS
      kill $E; wait $E; echo code $?; cat /tmp/exporter
      """
    let isRefused = !isNamed && server != .root && server != starter
    let (_, output) = try run(server, starter, script)
    #expect(output.contains("pkg_watt_stat_up \(isRefused ? 0 : 1)\n"), "\(output)")
    #expect(output.contains("served by user \(server) (") == isRefused, "\(output)")
    #expect(output.contains("code 0"), "\(output)")
  }
}
