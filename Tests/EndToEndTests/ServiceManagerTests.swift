import Foundation
import Testing

@Suite("Under a service manager", .serialized)
struct ServiceManagerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Starts the service as a manager with sockets does: they are its descriptors from 3 on. `kinds` are what they are: a
  /// path to listen at, "unseen:" and one whose file cannot be seen, "udp", or "deaf".
  private func start(_ kinds: [String], environment: [String] = [], _ arguments: [String] = []) throws -> Child {
    let manager = """
      import os, socket, sys
      kinds, sockets = sys.argv[1].split(","), []
      for kind in kinds:
          if kind == "udp": made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          else:
              made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
              if kind != "deaf":
                  path = kind.removeprefix("unseen:")
                  made.bind(path); made.listen(100)
                  if path != kind: os.unlink(path)
          sockets.append(made)
      kept = [os.dup(made.fileno()) for made in sockets]
      kept = [os.dup2(os.dup(fd), 100 + i) for i, fd in enumerate(kept)]
      for i, fd in enumerate(kept): os.dup2(fd, 3 + i)
      os.environ["LISTEN_PID"] = str(os.getpid())
      os.environ["LISTEN_FDS"] = str(len(kinds))
      rest = sys.argv[2:]
      while "=" in rest[0]:
          name, value = rest.pop(0).split("=", 1)
          os.environ[name] = value
      os.execvp(rest[0], rest)
      """
    return try Child(
      ["python3", "-c", manager, kinds.joined(separator: ",")] + environment
        + [Executables.service, "serve", "--source", "simulated"] + arguments)
  }

  @Test("serves at the sockets that it is handed, and leaves them when it ends")
  func activation() throws {
    let paths = [folder.file("one.sock"), folder.file("two.sock")]
    let child = try start(paths, environment: ["LISTEN_FDNAMES=one:two"])
    try wait(for: "it to serve") { child.output.contains("Ready: serving at \(paths[0]) and \(paths[1]).") }
    for path in paths { #expect(try Client(path).reading().status == "simulated") }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
    for path in paths { #expect(FileManager.default.fileExists(atPath: path)) }
  }

  @Test("says that a socket that it was handed is gone, and nothing of one that it never saw")
  func removed() throws {
    let paths = [folder.file("unseen.sock"), folder.file("seen.sock")]
    let child = try start(["unseen:" + paths[0], paths[1]], ["--interval", "0.5"])
    try wait(for: "it to serve") { child.output.contains("Ready: serving at") }
    let client = try Client(paths[1])
    #expect(unlink(paths[1]) == 0)
    try wait(seconds: 20, for: "the log") { child.output.contains("\(paths[1]) was deleted or replaced") }
    #expect(!child.output.contains("replaced \(paths[0])"))
    #expect(try client.reading().status == "simulated")
  }

  @Test(
    "without the socket in /tmp serves at the other, and says which command starts it",
    arguments: [
      ("pkg-watt-stat.socket", true), ("pkg-watt-stat.socket:pkg-watt-stat-tmp.socket", false), ("own", false),
      (nil, false),
    ])
  func oneOfTwo(names: String?, says: Bool) throws {
    let paths = (names ?? "").split(separator: ":", omittingEmptySubsequences: false).map { folder.file("\($0).sock") }
    let child = try start(paths, environment: names.map { ["LISTEN_FDNAMES=\($0)"] } ?? [])
    try wait(for: "it to serve") { child.output.contains("Ready: serving at \(paths[0])") }
    #expect(try Client(paths[0]).reading().status == "simulated")
    let warning =
      "WARNING: Not serving at /tmp/pkg-watt-stat.sock, because pkg-watt-stat-tmp.socket did not start."
    #expect(child.output.contains(warning) == says, "\(child.output)")
    #expect(child.output.contains("start it: sudo systemctl restart pkg-watt-stat.service\n") == says)
  }

  @Test("sockets that were meant for another process are none of its own")
  func otherProcess() throws {
    let own = folder.file("own.sock")
    let child = try start([folder.file("other.sock")], environment: ["LISTEN_PID=1"], ["--socket", own])
    try wait(for: "it to serve") { child.output.contains("Ready: serving at \(own).") }
  }

  @Test(
    "what cannot be served is refused with what to do",
    arguments: [
      ("udp", [], [], "is not a Unix stream socket; the socket unit needs ListenStream="),
      ("deaf", [], [], "does not listen; the socket unit needs Accept=no"),
      ("PATH", ["LISTEN_FDS=2"], [], "Descriptor 4 from the service manager"),
      ("PATH", ["LISTEN_FDS=x"], [], "LISTEN_FDS=x is not valid"),
      ("PATH", ["LISTEN_FDS=-1"], [], "LISTEN_FDS=-1 is not valid"),
      ("PATH", ["LISTEN_FDNAMES=a:b"], [], "LISTEN_FDNAMES=a:b is not valid"),
      ("PATH", [], ["--socket", "/tmp/x"], "--socket names others"),
      ("PATH", ["NOTIFY_SOCKET=/nowhere"], [], "NOTIFY_SOCKET=/nowhere: No such file"),
      ("PATH", ["NOTIFY_SOCKET=here"], [], "NOTIFY_SOCKET=here: Invalid"),
    ])
  func refused(kind: String, environment: [String], arguments: [String], says: String) throws {
    let child = try start(
      [kind.replacing("PATH", with: folder.file("one.sock"))], environment: environment, arguments)
    #expect(try child.exitCode() == 1)
    #expect(child.output.contains(says), "\(child.output)")
  }

  @Test("tells when it is ready, how it is, that it lives, and when it ends")
  func notifications() throws {
    let manager = try NotificationSocket(folder.file("notify.sock"))
    let child = try Child([
      "env", "NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=1000000", Executables.service, "serve", "--source",
      "simulated",
      "--socket", folder.file("watts.sock"), "--interval", "0.5",
    ])
    #expect(try manager.message() == "READY=1\nSTATUS=Serving.")
    let first = try manager.message()
    #expect(
      first.contains("WATCHDOG=1") && first.contains("STATUS=")
        && first.contains(" W (simulated); no client, so asleep."))
    #expect(try manager.message() == "WATCHDOG=1")
    // A service that hangs says nothing: what the manager's watchdog acts on.
    child.send(SIGSTOP)
    while (try? manager.message(seconds: 1.5)) != nil {}
    child.send(SIGCONT)
    #expect(try manager.message().contains("WATCHDOG=1"))
    child.send(SIGTERM)
    var last = try manager.message()
    while last == "WATCHDOG=1" { last = try manager.message() }
    #expect(last == "STOPPING=1\nSTATUS=Ending.")
    #expect(try child.exitCode() == 0)
  }

  @Test("a watchdog that is too short for the interval is refused with what to do")
  func shortWatchdog() throws {
    let manager = try NotificationSocket(folder.file("notify.sock"))
    let run = try Child.run([
      "env", "NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=1900000", Executables.service, "serve", "--source",
      "simulated", "--socket", folder.file("watts.sock"),
    ])
    #expect(run.exitCode == 1)
    #expect(run.output.contains("(WatchdogSec=) of 1.9 s is too short for an interval of 1.0 s; raise it to 2.0 s"))
  }

  @Test("lines for the journal begin with their priority")
  func journal() throws {
    let script = """
      exec 2>"$1"; export JOURNAL_STREAM=$(stat -Lc %d:%i /dev/fd/2); exec "$2" serve --source simulated --socket "$3"
      """
    let log = folder.file("log")
    let child = try Child(["sh", "-c", script, "sh", log, Executables.service, folder.file("watts.sock")])
    try wait(for: "the log") {
      (try? String(contentsOfFile: log, encoding: .utf8))?.contains("<6>Ready: serving") ?? false
    }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
  }

  @Test(
    "a package that comes online later ends the service with what to do, so that its manager starts it anew",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func newPackage() throws {
    let device = try Device(["--watts", "20", "--watts", "20"])
    try device.setOnline(2...3, false)
    let info = device.root.file("proc/cpuinfo")
    let both = try String(contentsOfFile: info, encoding: .utf8)
    let second = try #require(both.range(of: "processor\t: 2"))
    try String(both[..<second.lowerBound]).write(toFile: info, atomically: false, encoding: .utf8)
    let service = try Service(["--root", device.root.path, "--interval", "0.5"])
    let client = try service.client()
    #expect(try abs(client.reading().power_watts - 20) < 1)
    try device.setOnline(2...3, true)
    #expect(try service.child.exitCode(seconds: 20) == 75)
    #expect(
      service.child.output.contains("CPU package 1 came online after startup and is not being measured"),
      "\(service.child.output)")
  }

  @Test(
    "sealed, it has no capability at all, and goes on measuring",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func sealed() throws {
    let device = try Device(["--watts", "20"])
    let service = try Service(["--root", device.root.path, "--seal"])
    let client = try service.client()
    for _ in 0..<2 { #expect(try abs(client.reading().power_watts - 20) < 1) }
    for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(service.child.pid)/task") {
      let status = try String(contentsOfFile: "/proc/\(service.child.pid)/task/\(task)/status", encoding: .utf8)
      for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(status.contains("\(set):\t0000000000000000\n")) }
    }
    #expect(try Child.run([Executables.service, "serve", "--seal", "--source", "turbostat"]).exitCode == 64)
  }
}
