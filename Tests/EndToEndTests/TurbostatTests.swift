import Foundation
import TestSupport
import Testing

/// A program that stands for turbostat where a test wants what the real one does not do on demand.
private func fake(in folder: TemporaryFolder, _ body: String) -> String {
  let script = """
    #!/bin/sh
    table() {
      now=$(date +%s.%6N)
      printf 'Time_Of_Day_Seconds\\tPackage\\tCPU\\tPkgWatt\\n'
      printf "$now"'\\t%s\\t%s\\t%s\\n' - - "$1" 0 0 "$2" 1 2 "$3"
    }
    \(body)
    """
  let path = folder.file("turbostat")
  _ = FileManager.default.createFile(atPath: path, contents: Data(script.utf8), attributes: [.posixPermissions: 0o755])
  return path
}

/// The children with a process group of their own, as turbostat has; a sanitizer's symbolizer has none.
private func children(of pid: pid_t) throws -> [pid_t] {
  try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { child in
    let stat = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
    // Its parent and its group.
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ").dropFirst(2).prefix(2)
    return Array(fields) == ["\(pid)", "\(child)"]
  }
}

extension Service {
  fileprivate static func turbostat(
    _ path: String, _ arguments: [String] = [], wrapper: [String] = [], saying: String = readiness
  ) throws -> Service {
    try Service(["--source", "turbostat", "--turbostat", path] + arguments, wrapper: wrapper, saying: saying)
  }

  /// Waits for a reading with this status.
  fileprivate func await(_ status: String, from client: Client) throws -> Reading {
    while true {
      let reading = try client.reading()
      if reading.status == status { return reading }
    }
  }
}

@Suite("turbostat as the source", .namesTrials, .serialized, .enabled(if: Executables.isRoot, "needs root"))
struct TurbostatTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @Test("the sum of its packages is served, its stderr is shown, and nothing of it outlives the service")
  func sum() throws {
    let path = fake(
      in: folder, "echo it works >&2; while :; do sleep 0.5; table 59.75 42.50 17.25; done")
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    let reading = try service.client().reading()
    #expect(reading.power_watts == 59.75 && reading.status == "ok")
    #expect(abs(reading.timestamp - Date.now.timeIntervalSince1970) < 5)
    try wait(for: "its stderr") { service.child.output.contains("turbostat says: it works") }
    let child = try #require(try children(of: service.child.pid).first)
    let begin = Date.now
    #expect(try service.stop() == 0)
    #expect(Date.now.timeIntervalSince(begin) < 1)
    #expect(kill(child, 0) != 0 && errno == ESRCH)
  }

  @Test("a child that dies is started again: stale meanwhile, then ok", arguments: [SIGKILL, SIGSEGV])
  func death(signal: Int32) throws {
    let path = fake(in: folder, "while :; do sleep 0.5; table 42.50 21.25 21.25; done")
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    let client = try service.client()
    _ = try service.await("ok", from: client)
    let child = try #require(try children(of: service.child.pid).first)
    kill(child, signal)
    let stale = try service.await("stale", from: client)
    let fresh = try service.await("ok", from: client)
    #expect(fresh.timestamp > stale.timestamp)
    #expect(service.child.output.contains("was killed by signal \(signal). It is started again in 1 s."))
    #expect(try !children(of: service.child.pid).contains(child))
  }

  @Test("whoever follows is told that it delivers nothing, and does not take that for a service that hangs")
  func silentStream() async {
    let all = [
      ("0.5", "for i in 1 2 3; do sleep 0.5; table 42.50 21.25 21.25; done"),
      // What is stale comes 9.5 s after the last good one; whoever follows asks after 8.5 s.
      ("3", "table 42.50 21.25 21.25; sleep 2.5; table 42.50 21.25 21.25"),
    ]
    await atOnce(all) { try Self.silentStream(interval: $0.0, body: $0.1) }
  }

  private static func silentStream(interval: String, body: String) throws {
    let folder = try TemporaryFolder()
    let path = fake(in: folder, "\(body); while :; do sleep 1; done")
    let service = try Service.turbostat(path, ["--interval", interval])
    let child = try follow(service)
    try wait(seconds: 30, for: "samples, and then one that is stale") {
      try /"class": "ok"}\n(.*\n)*.*"class": "stale"}\n/.firstMatch(in: child.output) != nil
    }
    #expect(child.isRunning && !child.output.contains("unavailable"), "\(child.output)")
  }

  @Test("whoever follows waits also for a service that has no reading yet")
  func noReadingYet() throws {
    let first = try Service.simulated()
    let child = try Self.follow(first)
    try wait(for: "a sample") { child.output.contains(#""class": "simulated"}"#) }
    #expect(try first.stop() == 0)
    let path = fake(
      in: folder, "until [ -e \"$0.go\" ]; do sleep 0.1; done; while :; do sleep 1; table 1 0.5 0.5; done")
    let second = try Child([
      Executables.service, "serve", "--source", "turbostat", "--turbostat", path, "--socket", first.socket,
      "--log-level", "DEBUG",
    ])
    try wait(seconds: 20, for: "an attempt in vain") { second.output.contains("A client disconnected") }
    try "".write(toFile: "\(path).go", atomically: false, encoding: .utf8)
    try wait(seconds: 20, for: "a sample of the new one") { child.output.contains(#""class": "ok"}"#) }
  }

  private static func follow(_ service: Service) throws -> Child {
    try Child([Executables.service, "export", "--socket", service.socket, "--format", "waybar", "--follow"])
  }

  @Test("a child that ends at once is started again with growing pauses, and its words are shown")
  func endsAtOnce() throws {
    let path = fake(in: folder, "echo no such luck >&2; exit 3")
    let service = try Service.turbostat(path, saying: "Waiting for turbostat's first table.")
    try wait(for: "three starts") { service.child.output.contains("exit code 3. It is started again in 4 s.") }
    #expect(service.child.output.contains("exit code 3. It is started again in 1 s. The service is not ready until"))
    #expect(service.child.output.contains("exit code 3. It is started again in 2 s."))
    #expect(!service.child.output.contains("Ready"))
    #expect(service.child.output.contains("turbostat says: no such luck"))
    // It never had a reading: clients are let go.
    let client = try service.client()
    #expect(client.receive()?.isEmpty == true)
    #expect(try service.stop() == 0)
  }

  @Test("it is ready only after a table, says so to the service manager, and ends on a signal while it waits")
  func readiness() throws {
    let manager = try NotificationSocket(folder.file("notify.sock"))
    let path = fake(
      in: folder, "until [ -e \"$0.go\" ]; do sleep 0.1; done; while :; do sleep 0.5; table 59.75 42.5 17.25; done")
    let wrapper = ["env", "NOTIFY_SOCKET=\(folder.file("notify.sock"))"]
    let waiting = "Waiting for turbostat's first table."
    let first = try Service.turbostat(path, wrapper: wrapper, saying: waiting)
    #expect(try manager.message() == "EXTEND_TIMEOUT_USEC=7500000\nSTATUS=Waiting for the first reading.")
    #expect(try first.stop() == 0)
    #expect(!first.child.output.contains("Ready"))
    while try manager.message() != "STOPPING=1\nSTATUS=Ending." {}
    let second = try Service.turbostat(path, wrapper: wrapper, saying: waiting)
    #expect(try manager.message().hasPrefix("EXTEND_TIMEOUT_USEC="))
    try "".write(toFile: "\(path).go", atomically: false, encoding: .utf8)
    var message = ""
    while !message.hasPrefix("READY=1") { message = try manager.message() }
    #expect(message == "READY=1\nSTATUS=Serving.")
    #expect(try second.client().reading().power_watts == 59.75)
    while !message.hasPrefix("STATUS=59.75 W (ok)") { message = try manager.message() }
  }

  @Test("a check ends on a signal while it waits for a table")
  func checkEnds() throws {
    let child = try Child([
      Executables.service, "serve", "--check", "--source", "turbostat", "--turbostat",
      fake(in: folder, "echo begun >&2; while :; do sleep 1; done"), "--interval", "3600",
    ])
    try wait(for: "turbostat") { child.output.contains("begun") }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 128 + SIGTERM)
    #expect(child.output.contains("before turbostat gave its first table"))
  }

  @Test("a service that was stopped for a while goes on, and has lost nothing")
  func stopped() async { await atOnce([2.2, 12], Self.stopped) }

  private static func stopped(seconds: Double) throws {
    let folder = try TemporaryFolder()
    let path = fake(in: folder, "while :; do sleep 0.5; table 42.50 21.25 21.25; done")
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    let client = try service.client()
    for _ in 0..<3 { _ = try client.reading() }
    let child = try children(of: service.child.pid)
    service.child.send(SIGSTOP)
    usleep(UInt32(seconds * 1e6))
    service.child.send(SIGCONT)
    var last = try client.reading()
    let resumed = Date.now.timeIntervalSince1970
    while last.timestamp < resumed {
      let next = try client.reading()
      #expect(next.timestamp >= last.timestamp && next.power_watts == 42.5)
      last = next
    }
    #expect(try children(of: service.child.pid) == child)
    // What was drawn meanwhile counts.
    client.write("{\"get\": \"sample\"}\n")
    var answer = try client.line()
    while !answer.hasPrefix("{\"sample\"") { answer = try client.line() }
    #expect(answer.contains("\"lower_bound\": false") && !answer.contains("\"lower_bound\": true"), "\(answer)")
    let joules = try #require(try /"joules": ([0-9.]+)/.firstMatch(in: answer).flatMap { Double($0.1) })
    #expect(joules > (seconds + 1) * 42.5, "\(answer)")
  }

  @Test("what is drawn over tables that are left out is not counted, and makes a lower bound")
  func leftOut() async {
    let all = ["table nan nan nan", "table 900 1 1", "table 5 5 ''", "table x 5 5", "printf 'Package\\n'; exit"]
    await atOnce(all, Self.leftOut)
  }

  private static func leftOut(bad: String) throws {
    let folder = try TemporaryFolder()
    let path = fake(
      in: folder,
      """
      bad() { \(bad); }
      if [ ! -e "$0.mark" ]; then
        touch "$0.mark"
        for i in 1 2 3 4; do sleep 0.5; table 10 5 5; done
        for i in 1 2 3 4 5 6; do sleep 0.5; bad; done
      fi
      sleep 0.5; table 400 200 200
      while :; do sleep 0.5; table 10 5 5; done
      """)
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    let client = try service.client()
    while try client.reading().power_watts != 400 {}
    client.write("{\"get\": \"sample\"}\n")
    var answer = try client.line()
    while !answer.hasPrefix("{\"sample\"") { answer = try client.line() }
    #expect(answer.contains("\"lower_bound\": true") && !answer.contains("\"lower_bound\": false"), "\(answer)")
    // Half a second of 400 W, and some of 10 W; a busy machine makes half a second longer.
    let joules = try #require(try /"joules": ([0-9.]+)/.firstMatch(in: answer).flatMap { Double($0.1) })
    #expect(joules > 200 && joules < 400, "\(answer)")
    let window = try #require(try /"window_seconds": ([0-9.]+)/.firstMatch(in: answer).flatMap { Double($0.1) })
    #expect(window >= 0.4 && window < 1, "\(answer)")
  }

  @Test("a child that falls silent, and does not end when told to, is killed and started again")
  func silence() throws {
    // The second start, which finds the mark, works.
    let path = fake(
      in: folder,
      """
      if [ ! -e "$0.mark" ]; then
        trap '' TERM; touch "$0.mark"; table 42.50 21.25 21.25
        while :; do sleep 1; done
      fi
      while :; do sleep 0.5; table 10.00 5.00 5.00; done
      """)
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    let client = try service.client()
    #expect(try service.await("ok", from: client).power_watts == 42.5)
    #expect(try service.await("stale", from: client).power_watts == 42.5)
    #expect(try service.await("ok", from: client).power_watts == 10)
    #expect(service.child.output.contains("gave no reading for 6.25 s"))
  }

  @Test("a child that ignores the end is killed, and the service still ends within a second")
  func stubborn() throws {
    let path = fake(in: folder, "trap '' TERM INT; table 42.50 21.25 21.25; while :; do sleep 0.1; done")
    let service = try Service.turbostat(path)
    _ = try service.client().reading()
    let child = try #require(try children(of: service.child.pid).first)
    let begin = Date.now
    #expect(try service.stop() == 0)
    #expect(Date.now.timeIntervalSince(begin) < 1)
    #expect(kill(child, 0) != 0 && errno == ESRCH)
  }

  @Test("5 MB of junk before a table, absurd and missing watts, are survived and said")
  func junk() throws {
    let path = fake(
      in: folder,
      """
      head -c 5000000 /dev/urandom; echo
      table 2e14 2e14 2e14; table 59.75 42.50 ''; table nan nan nan
      while :; do table 59.75 42.50 17.25; sleep 0.5; done
      """)
    let service = try Service.turbostat(path, ["--interval", "0.5"])
    // A client that came earlier might not be waited for as long as the junk takes.
    try wait(for: "a table that is left out") { service.child.output.contains("Such tables are ignored.") }
    #expect(try service.await("ok", from: try service.client()).power_watts == 59.75)
  }

  @Test("a turbostat that is missing is said with what to install", arguments: [["--turbostat", "/nowhere"], []])
  func missing(arguments: [String]) throws {
    let empty = ["env", "PATH=/nowhere"]
    let hidden = arguments.isEmpty ? ["unshare", "-m", "sh", "-c", Self.hiding, "sh"] + empty : []
    let run = try Child.run(hidden + [Executables.service, "--source", "turbostat"] + arguments)
    #expect(run.exitCode == 1)
    #expect(run.output.contains("linux-cpupower") && run.output.contains("--turbostat"))
  }

  /// Covers a turbostat that this machine has.
  private static let hiding = """
    for file in /usr/sbin/turbostat /usr/bin/turbostat; do [ ! -e $file ] || mount --bind /dev/null $file; done; exec "$@"
    """

  @Test("the child has CAP_SYS_RAWIO and nothing else, as the service's user", arguments: ["root", "nobody"])
  func capabilities(user: String) throws {
    let path = fake(
      in: folder, "grep -E 'Uid|Cap|NoNew' /proc/self/status >&2; while :; do table 42.50 21.25 21.25; sleep 0.5; done")
    let service = try Service.turbostat(path, ["--user", user])
    _ = try service.client().reading()
    let id = try #require(getpwnam(user)).pointee.pw_uid
    // The log has it from another pipe than the table.
    try wait(for: "the child's rights in the log") { service.child.output.contains("turbostat says: NoNewPrivs:") }
    for set in ["Inh", "Prm", "Eff", "Bnd", "Amb"] {
      #expect(service.child.output.contains("turbostat says: Cap\(set): 0000000000020000"))
    }
    #expect(service.child.output.contains("turbostat says: Uid: \(id) \(id) \(id) \(id)"))
    #expect(service.child.output.contains("turbostat says: NoNewPrivs: 1"))
  }

  @Test(
    "the real turbostat on two packages: in sum, and again after kill -9",
    .enabled(if: RealTurbostat.isThere, "\(RealTurbostat.need)"))
  func real() throws {
    let turbostat = try RealTurbostat(device: ["--watts", "42.5", "--watts", "17.25"])
    let service = try Service.turbostat(turbostat.path, wrapper: turbostat.namespace)
    // On a busy machine it may take longer to begin than clients are kept waiting.
    var served: (client: Client, watts: Double)?
    try wait(seconds: 20, for: "a first reading") {
      guard let client = try? service.client(), let first = try? client.reading() else { return false }
      served = (client, first.power_watts)
      return true
    }
    let (client, first) = try #require(served)
    #expect(abs(first - 59.75) < 1)
    var watts: [Double] = []
    for _ in 0..<4 { watts.append(try client.reading().power_watts) }
    #expect(abs(watts.reduce(0, +) / 4 - 59.75) < 0.3, "\(watts)")
    let child = try #require(try children(of: service.child.pid).first)
    kill(child, SIGKILL)
    _ = try service.await("stale", from: client)
    #expect(abs(try service.await("ok", from: client).power_watts - 59.75) < 3)
    let second = try #require(try children(of: service.child.pid).first)
    #expect(try service.stop() == 0)
    #expect(kill(second, 0) != 0 && errno == ESRCH)
  }
}
