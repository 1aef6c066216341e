import Foundation
import Testing

@Suite("Many clients, and slow ones", .serialized)
struct CrowdTests {
  /// Room for a thousand connections in this process as well.
  init() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 8192)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  @Test("a thousand clients in one burst all get their first line")
  func burst() throws {
    let service = try Service.simulated()
    let clients = try (0..<1000).map { _ in try service.client() }
    for client in clients {
      #expect(try client.reading().status == "simulated")
    }
  }

  @Test(
    "a client that is one too many of its user's is told so, whatever it asks for",
    .enabled(if: Executables.isRoot, "needs root"),
    arguments: ["read", "watch --once", "export --format json", "run -- true"])
  func tooMany(command: String) throws {
    let service = try Service.simulated(["--connections-per-user", "1"])
    let script = """
      import socket, subprocess, sys
      held = socket.socket(socket.AF_UNIX)
      held.connect(sys.argv[1])
      held.recv(1024)
      sys.exit(subprocess.run(sys.argv[2:]).returncode)
      """
    var words = command.split(separator: " ").map(String.init)
    words.insert(contentsOf: ["--socket", service.socket], at: 1)
    let (code, output) = try Child.run(
      Run.nobody + ["python3", "-c", script, service.socket, Executables.service] + words)
    #expect(code == (command.hasPrefix("run") ? 125 : 1))
    #expect(output.contains("this user has too many connections"), "\(output)")
  }

  @Test(
    "a thousand clients at all phases of the interval, each reading once after 400 ms, parse exactly one object",
    .disabled(if: Executables.isSanitized, "a sanitizer makes the first line later than that"))
  func phases() throws {
    let service = try Service.simulated()
    var waiting: [(client: Client, due: Date)] = []
    let start = Date.now
    var connected = 0
    while connected < 1000 || !waiting.isEmpty {
      // A thousand connects, two milliseconds apart, go twice through the interval.
      if connected < 1000, Date.now >= start.addingTimeInterval(Double(connected) * 0.002) {
        waiting.append((try service.client(), Date.now.addingTimeInterval(0.4)))
        connected += 1
      }
      while let first = waiting.first, Date.now >= first.due {
        let bytes = try #require(first.client.receive(seconds: 0))
        #expect(throws: Never.self) { try JSONDecoder().decode(Reading.self, from: bytes) }
        waiting.removeFirst()
      }
      usleep(200)
    }
  }

  @Test("a stopped client changes nothing for the others, and gets whole lines when it goes on")
  func stoppedClient() throws {
    let service = try Service.simulated(["--interval", "0.01"])
    let slow = try Child(["socat", "-u", "UNIX-CONNECT:\(service.socket)", "STDOUT"])
    try wait(for: "the slow client's first line") { slow.output.contains("\n") }
    slow.send(SIGSTOP)
    let quick = try service.client()
    var stamps: [Double] = []
    for _ in 0..<200 { stamps.append(try quick.reading().timestamp) }
    for (one, next) in zip(stamps.dropFirst(), stamps.dropFirst(2)) {
      #expect(next > one)
    }
    let before = slow.output.split(separator: "\n").count
    slow.send(SIGCONT)
    try wait(for: "the slow client to go on") { slow.output.split(separator: "\n").count > before + 20 }
    for line in slow.output.split(separator: "\n").dropLast() {
      #expect(throws: Never.self) { try JSONDecoder().decode(Reading.self, from: Data(line.utf8)) }
    }
  }

  @Test("at the descriptor limit the service stays calm, and serves the others once there is room")
  func descriptorLimit() throws {
    let service = try Service.simulated(["--interval", "0.5"], wrapper: ["prlimit", "--nofile=40:40"])
    var served = try (0..<20).map { _ in try service.client() }
    for client in served { _ = try client.reading() }
    let crowd = try (0..<60).map { _ in try service.client() }
    try wait(for: "the warning") { service.child.output.contains("LimitNOFILE=") }
    let before = try service.cpuSeconds()
    // Existing clients go on, undisturbed.
    for _ in 0..<6 { _ = try served[0].reading() }
    #expect(try service.cpuSeconds() - before < 0.5)
    #expect(service.child.output.split(separator: "\n").filter { $0.contains("LimitNOFILE=") }.count == 1)
    served.removeAll()
    let unserved = crowd.filter { $0.receive(seconds: 0) == nil }
    #expect(!unserved.isEmpty, "the limit was never reached")
    let next = try #require(unserved.first)
    #expect(try next.reading().status == "simulated")
  }
}
