import Foundation
import TestSupport
import Testing

@Suite("A server that means harm", .serialized)
struct HostileServerTests {
  /// Answers that no service gives, one absurd thing in each.
  static let absurd: [[String: String]] =
    ["1e10", "1e300", "0", "-1", "-1e-300", "1e-300"].flatMap { interval in
      [
        FakeServer.answers(info: FakeServer.info(interval: interval)),
        FakeServer.answers(info: FakeServer.info(shortest: interval)),
        FakeServer.answers(info: FakeServer.info(shortest: interval, isTrusted: true)),
      ]
    } + [
      FakeServer.answers(info: FakeServer.info(package: "-1")),
      FakeServer.answers(info: FakeServer.info(package: "1e300")),
      FakeServer.answers(info: "{\"info\": {}, \"sample\": {}}"),
    ]

  @Test("and says absurd numbers is not believed, and stops no command by a trap", arguments: absurd)
  func absurdInfo(answers: [String: String]) throws {
    let server = try FakeServer(answers: answers)
    for command in [ClientCommand.csv, .follow, .prometheus, .run] { try expectRefused(command, server) }
  }

  @Test(
    "and says an absurd interval of a subscription is not believed", arguments: ["1e10", "1e300", "0", "-1", "-1e300"])
  func absurdSubscription(interval: String) throws {
    let server = try FakeServer(answers: FakeServer.answers(subscribe: FakeServer.subscribed(interval)))
    for command in [ClientCommand.watchPiped, .follow, .run] { try expectRefused(command, server) }
  }

  @Test(
    "and says an absurd sample is not believed",
    arguments: [
      FakeServer.sample(watts: "1e300"), FakeServer.sample(watts: "-1"), FakeServer.sample(joules: "1e300"),
      FakeServer.sample(joules: "-1"), FakeServer.sample(window: "1e10"), FakeServer.sample(window: "-1"),
      FakeServer.sample(timestamp: "1e300"), FakeServer.sample(timestamp: "-1e13"),
      FakeServer.sample(monotonic: "1e300"),
      FakeServer.sample(monotonic: "-1"), FakeServer.sample(sequence: "1e300"), FakeServer.sample(sequence: "-1"),
      FakeServer.sample(sequence: "1.5"), FakeServer.sample(watts: "1e400"), FakeServer.sample(watts: "NaN"),
      FakeServer.sample(status: "fine"), "[" + String(repeating: "[", count: 100_000), "{\"sample\": 1}",
    ])
  func absurdSample(sample: String) throws {
    let server = try FakeServer(
      answers: FakeServer.answers(info: FakeServer.info(isTrusted: true), sample: sample))
    for command in [ClientCommand.csv, .json, .template, .watchOnce, .run] { try expectRefused(command, server) }
  }

  @Test("and says an absurd line is not believed", arguments: ["1e15", "-1", "1e300"], ["1e12", "-1e300"])
  func absurdLine(watts: String, timestamp: String) throws {
    for line in [
      #"{"power_watts": \#(watts)9, "timestamp": 1, "status": "ok"}"#,
      #"{"power_watts": 1, "timestamp": \#(timestamp), "status": "stale"}"#,
    ] {
      let server = try FakeServer(greeting: [line])
      for command in [ClientCommand.read, .readJSON, .watchOnce] { try expectRefused(command, server) }
    }
  }

  @Test("cannot steer a terminal, by whichever command", arguments: ClientCommand.allCases)
  func escapes(command: ClientCommand) throws {
    for evil in [#"\u001b[2J\u009b31m\u0007\u202e\r\n"#, "\u{1B}[2J\u{9B}31m"] {
      let refusal = FakeServer.refusal(evil)
      let line = #"{"power_watts": 1, "timestamp": 1, "status": "ok", "\#(evil)": "\#(evil)"}"#
      let scripts: [(String, [String: String])] = [
        (FakeServer.line, FakeServer.answers(info: refusal, sample: refusal, history: refusal, subscribe: refusal)),
        (
          line,
          FakeServer.answers(
            info: FakeServer.info(text: evil), sample: FakeServer.sample(status: "stale", reason: "\"\(evil)\""))
        ),
        (#"{"power_watts": 1, "timestamp": 1, "status": "\#(evil)"}"#, ["": evil]),
        (evil, [:]),
      ]
      for (line, answers) in scripts {
        let server = try FakeServer(greeting: [line], answers: answers)
        let child = try Child(command.arguments(server.socket))
        if command.goesOn {
          try wait(seconds: 8, for: "a word") { !child.isRunning || !child.output.isEmpty }
          child.send(SIGTERM)
        }
        let code = try child.exitCode(seconds: 20)
        #expect(code <= 125 || code == 143, "\(code) \(child.output)")
        let output = child.output
        #expect(!output.isEmpty)
        #expect(output.unicodeScalars.allSatisfy { " "..."~" ~= $0 || $0 == "\n" }, "\(Array(output.utf8))")
      }
    }
  }

  private func expectRefused(_ command: ClientCommand, _ server: FakeServer) throws {
    let (code, output) = try Child.run(command.arguments(server.socket), seconds: 20)
    #expect(code == (command == .run ? 125 : 1), "\(command): \(output)")
    #expect(output.contains("does not speak pkg-watt-stat's protocol"), "\(command): \(output)")
  }
}

@Suite("A server that goes on with what nobody waits for", .namesTrials, .serialized)
struct NuisanceTests {
  static let nuisances = ["x", #"{"subscribed": "none", "interval_seconds": null}"# + "\n"]
  static let refusal = FakeServer.refusal("No.", code: "busy") + "\n"

  @Test("is given up after some seconds, by each command")
  func patience() async {
    let all = (Self.nuisances + [Self.refusal]).flatMap { nuisance in
      [[], [FakeServer.line]].map { (nuisance: nuisance, greeting: $0) }
    }
    await atOnce(all) { try patience(nuisance: $0.nuisance, greeting: $0.greeting) }
  }

  private func patience(nuisance: String, greeting: [String]) throws {
    let server = try FakeServer(greeting: greeting, nuisance: nuisance)
    let commands: [[String]] = [
      ["read"], ["read", "--follow"], ["watch"], ["watch", "--once"], ["watch", "--interval", "1"],
      ["export", "--format", "json"], ["export", "--format", "waybar", "--follow"],
    ]
    let children = try commands.map { try Child([Executables.service] + $0 + ["--socket", server.socket]) }
    let run = try Child(ClientCommand.run.arguments(server.socket))
    for (child, command) in zip(children, commands) {
      let code = try child.exitCode(seconds: 20)
      if command == ["read"] && !greeting.isEmpty {
        #expect(code == 0)
      } else {
        #expect(code == 1)
        let words = ["The service refused the request: No.", "\(server.socket) gave no reading or answer for 5 s;"]
        #expect(words.contains { child.output.contains($0) }, "\(command): \(child.output)")
      }
    }
    #expect(try run.exitCode(seconds: 20) == 125, "\(run.output)")
  }

  @Test("does not keep the exporter's worker: it says that there are no watts, and ends at once")
  func exporter() async { await atOnce(Self.nuisances, exporter) }

  private func exporter(nuisance: String) throws {
    let server = try FakeServer(greeting: [], nuisance: nuisance)
    let child = try Child([Executables.service, "exporter", "--listen", "127.0.0.1:0", "--socket", server.socket])
    try wait(for: "the exporter") { child.output.contains("Ready: serving at http://") }
    let address = String(try #require(child.output.firstMatch(of: #/and (http:.*\/metrics)\./#)).output.1)
    let script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    let (code, output) = try Child.run(["python3", "-c", script, address], seconds: 20)
    #expect(code == 0 && output.contains("pkg_watt_stat_up 0\n"), "\(output)")
    // It is asked once more, and told to end before there is an answer.
    try wait(for: "the first connection's end") { server.clientCount == 0 }
    let scrape = try Child(["python3", "-c", script, address])
    try wait(for: "its connection to the server") { server.clientCount == 1 }
    let begin = Date.now
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0, "\(child.output)")
    #expect(Date.now.timeIntervalSince(begin) < 3)
    _ = try scrape.exitCode()
  }
}

@Suite("A server that lets nobody in", .namesTrials, .serialized)
struct DeafServerTests {
  /// A listener without room, and the connections that fill it.
  private func fill() throws -> (server: FakeServer, clients: [Int32]) {
    let server = try FakeServer(backlog: 0, isDeaf: true)
    var clients: [Int32] = []
    while clients.count < 100 {
      let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      clients.append(client)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: server.socket.utf8) }
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if connected != 0 { return (server, clients) }
    }
    throw TestFailure("the backlog is never full")
  }

  @Test("is given up after some seconds, by each command")
  func patience() async { await atOnce([ClientCommand.read, .watchOnce, .csv, .run], patience) }

  private func patience(command: ClientCommand) throws {
    let (server, clients) = try fill()
    defer { clients.forEach { close($0) } }
    let (code, output) = try Child.run(command.arguments(server.socket), seconds: 15)
    #expect(code == (command == .run ? 125 : 1))
    #expect(output.contains("\(server.socket) accepted no connection for 5 s"), "\(output)")
  }

  @Test("does not keep a signal from ending run", arguments: [SIGTERM, SIGINT, SIGHUP])
  func signals(signal: Int32) throws {
    let (server, clients) = try fill()
    defer { clients.forEach { close($0) } }
    let child = try Child(ClientCommand.run.arguments(server.socket))
    try wait(for: "its signals to be taken") {
      let status = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)
      return status.contains(/SigBlk:\t0*[1-9a-f]/)
    }
    let begin = Date.now
    child.send(signal)
    #expect(try child.exitCode() == 128 + signal, "\(child.output)")
    #expect(Date.now.timeIntervalSince(begin) < 3)
    #expect(child.output.contains("Signal \(signal) arrived."))
  }

  @Test("does not keep the exporter's worker: it says that there are no watts, and ends when it is told to")
  func exporter() throws {
    let (server, clients) = try fill()
    defer { clients.forEach { close($0) } }
    let child = try Child([Executables.service, "exporter", "--listen", "127.0.0.1:0", "--socket", server.socket])
    try wait(for: "the exporter") { child.output.contains("Ready: serving at http://") }
    let address = try #require(child.output.firstMatch(of: #/and (http:.*\/metrics)\./#)).output.1
    let script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    let (code, output) = try Child.run(["python3", "-c", script, String(address)], seconds: 15)
    #expect(code == 0 && output.contains("pkg_watt_stat_up 0\n"), "\(output)")
    #expect(child.output.contains("accepted no connection for 5 s"), "\(child.output)")
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
  }

  @Test("lets a client in as soon as there is room")
  func room() throws {
    let (server, clients) = try fill()
    defer { clients.forEach { close($0) } }
    let child = try Child(ClientCommand.read.arguments(server.socket))
    try wait(for: "it to stand in line") {
      // By the kernel's function that it sleeps in.
      try String(contentsOfFile: "/proc/\(child.pid)/wchan", encoding: .utf8).contains("unix_wait_for_peer")
    }
    server.hear()
    #expect(try child.exitCode() == 0)
    #expect(child.output == "42.50 W\n")
  }
}
