import Foundation
import TestSupport
import Testing

@Suite("Serving", .namesTrials, .serialized)
struct ServingTests {
  @Test("a client's first recv(1024) holds one line of the original's form")
  func firstLine() throws {
    let service = try Service.simulated()
    let bytes = try #require(try service.client().receive())
    let line = String(decoding: bytes, as: UTF8.self)
    let form = /\{"power_watts": \d+\.\d{1,2}, "timestamp": \d+\.\d{1,3}, "status": "simulated"\}\n/
    #expect(line.wholeMatch(of: form) != nil, "\(line)")
    let reading = try JSONDecoder().decode(Reading.self, from: bytes)
    #expect(abs(reading.timestamp - Date.now.timeIntervalSince1970) < 2)
    #expect(reading.power_watts > 1)
  }

  @Test("lines follow at the interval, each with a later timestamp")
  func laterLines() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let client = try service.client()
    let stamps = try (0..<4).map { _ in try client.reading().timestamp }
    for (one, next) in zip(stamps.dropFirst(), stamps.dropFirst(2)) {
      #expect(abs(next - one - 0.5) < 0.2, "\(stamps)")
    }
  }

  @Test("the documented probe, a newline and a half-close, still gets lines")
  func probe() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let client = try service.client()
    client.write("\n")
    client.endWriting()
    #expect(try client.reading().status == "simulated")
    #expect(try client.reading().status == "simulated")
  }

  @Test("the documented probe by socat wakes a sleeping service and gets a line", arguments: [300, 370, 440, 510])
  func socat(milliseconds: UInt32) throws {
    let service = try Service.simulated()
    usleep(milliseconds * 1000)
    let probe = try Child.run(["sh", "-c", "echo '' | socat - UNIX-CONNECT:\(service.socket)"])
    #expect(probe.output.contains("power_watts"), "\(probe)")
  }

  @Test("both well-known paths serve, open to everybody, and are gone afterwards", .enabled(if: Executables.isRoot))
  func wellKnownPaths() throws {
    // In a mount namespace of its own, so that a real service on this machine is left alone.
    let script = """
      exec 9<"$0" # its path may lie below /tmp
      mount -t tmpfs none /run && mount -t tmpfs -o mode=1777 none /tmp || exit 9
      /proc/$$/fd/9 --source simulated --log-level ERROR & service=$!
      until [ -S /tmp/pkg-watt-stat.sock ]; do kill -0 $service || exit 8; done
      for path in /run/pkg-watt-stat/pkg-watt-stat.sock /tmp/pkg-watt-stat.sock; do
        stat -c %a $path && echo | socat - UNIX-CONNECT:$path | grep -c simulated
      done
      kill $service && wait $service && ls -A /tmp /run/pkg-watt-stat
      """
    let (code, output) = try Child.run(["unshare", "-m", "sh", "-c", script, Executables.service])
    #expect(code == 0)
    #expect(output.split(separator: "\n") == ["666", "1", "666", "1", "/run/pkg-watt-stat:", "/tmp:"], "\(output)")
  }

  @Test(
    "SIGTERM, SIGINT and SIGHUP end it with exit code 0 and remove the socket", arguments: [SIGTERM, SIGINT, SIGHUP])
  func ending(signal: Int32) throws {
    let service = try Service.simulated()
    let client = try service.client()
    _ = try client.reading()
    #expect(try service.stop(signal) == 0)
    #expect(!FileManager.default.fileExists(atPath: service.socket))
    #expect(throws: TestFailure.self) { while true { _ = try client.line() } }
  }

  @Test(
    "a signal that comes while the counters are still being opened ends it at once, as one that only checks with the signal's code",
    arguments: [SIGTERM, SIGINT, SIGHUP], [false, true])
  func endingEarly(signal: Int32, isCheck: Bool) throws {
    // Whether this counter moves is known after 2.5 s.
    let machine = try WrittenMachine()
    try machine.writeCPU()
    try machine.writeZone("intel-rapl:0", name: "package-0")
    let child = try Child(
      [
        Executables.service, "serve", "--source", "powercap", "--root", machine.root, "--socket",
        machine.root + "/sock",
      ]
        + (isCheck ? ["--check"] : []))
    try wait(for: "its handler") {
      let line = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8).split(separator: "\n")
        .first { $0.hasPrefix("SigCgt:") }
      let caught = line?.split(whereSeparator: \.isWhitespace).last.flatMap { UInt64($0, radix: 16) } ?? 0
      return caught & 1 << (UInt64(signal) - 1) != 0
    }
    child.send(signal)
    #expect(try child.exitCode() == (isCheck ? 128 + signal : 0))
    #expect(child.output == "", "it went on")
  }

  @Test("a private socket may be finer, and is for its owner only")
  func privateSocket() throws {
    let service = try Service.simulated(["--interval", "0.05"])
    let attributes = try FileManager.default.attributesOfItem(atPath: service.socket)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    let client = try service.client()
    let stamps = try (0..<5).map { _ in try client.reading().timestamp }
    #expect(stamps[4] - stamps[1] < 1, "\(stamps)")
  }

  @Test("a socket whose service was killed is taken over")
  func takeOver() throws {
    let first = try Service.simulated()
    #expect(try first.stop(SIGKILL) == 128 + SIGKILL)
    #expect(FileManager.default.fileExists(atPath: first.socket))
    let second = try Child([Executables.service, "--source", "simulated", "--socket", first.socket])
    try wait(for: "the second service") { second.output.contains("Ready") }
    #expect(try first.client().reading().status == "simulated")
  }

  @Test("started by nohup it stays when its terminal goes")
  func nohup() throws {
    let service = try Service.simulated(["--interval", "0.5"], wrapper: ["nohup"])
    let client = try service.client()
    service.child.send(SIGHUP)
    for _ in 0..<3 { #expect(try client.reading().status == "simulated") }
    #expect(try service.stop() == 0)
  }

  @Test("a socket that somebody removes is put back; one that somebody replaces is said")
  func removed() async { await atOnce([false, true], removed) }

  private func removed(isReplaced: Bool) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let client = try service.client()
    #expect(unlink(service.socket) == 0)
    if isReplaced { try Data().write(to: URL(filePath: service.socket)) }
    let said =
      isReplaced
      ? "\(service.socket) was deleted or replaced" : "\(service.socket) was deleted; the service made it again"
    try wait(seconds: 20, for: "the log") { service.child.output.contains(said) }
    #expect(try client.reading().status == "simulated")
    if !isReplaced { #expect(try service.client().reading().status == "simulated") }
    #expect(try service.stop() == 0)
    // What took its place is not the service's to remove.
    #expect(FileManager.default.fileExists(atPath: service.socket) == isReplaced)
  }

  @Test(
    "whatever is at the path in /tmp, it serves at the one in /run, and says so once",
    .enabled(if: Executables.isRoot, "needs root"),
    arguments: [
      "mkdir $path", "echo precious >$path", "ln -s nowhere $path",
      "socat UNIX-LISTEN:$path,fork,mode=666 /dev/null & trap \"kill $!\" EXIT; until [ -S $path ]; do :; done",
    ])
  func occupied(by obstacle: String) throws {
    let script = """
      exec 9<"$0"
      mount -t tmpfs none /run && mount -t tmpfs -o mode=1777 none /tmp || exit 9
      path=/tmp/pkg-watt-stat.sock
      \(obstacle)
      before=$(stat -c %i:%f $path)
      : >/run/log
      /proc/$$/fd/9 --source simulated 2>/run/log & service=$!
      until grep -q Ready /run/log; do kill -0 $service || { cat /run/log; exit 8; }; done
      echo | socat - UNIX-CONNECT:/run/pkg-watt-stat/pkg-watt-stat.sock | grep -c simulated
      kill $service && wait $service || exit 7
      grep -c "Serving only at /run/pkg-watt-stat/pkg-watt-stat.sock; $path is tried again every minute" /run/log
      [ "$before" = "$(stat -c %i:%f $path)" ] && ls -A /run/pkg-watt-stat
      """
    let (code, output) = try Child.run([
      "unshare", "-m", "sh", "-c", script, Executables.service,
    ])
    #expect(code == 0 && output.split(separator: "\n") == ["1", "1"], "\(code): \(output)")
  }

  @Test(
    "bare, in a terminal, it says what it is about to do and how it ends",
    .enabled(if: Executables.isRoot, "needs root"))
  func bare() throws {
    let script = """
      exec 9<"$0"
      mount -t tmpfs none /run && mount -t tmpfs -o mode=1777 none /tmp || exit 9
      exec timeout 5 python3 -c 'import pty, sys; pty.spawn(["/proc/self/fd/9", *sys.argv[1:]])' "$@"
      """
    let terminal = ["unshare", "-m", "sh", "-c", script, Executables.service]
    // What comes then, on this machine, is no matter here.
    let (_, output) = try Child.run(terminal)
    #expect(output.contains("starts the service"), "\(output)")
    // How it ends is said once it serves.
    let (_, served) = try Child.run(terminal + ["serve", "--source", "simulated"])
    #expect(
      served.range(of: "Ready")?.upperBound ?? served.endIndex < served.range(of: "Ctrl-C")?.lowerBound
        ?? served.startIndex, "\(served)")
    let plain = try Child.run([Executables.service, "--source", "simulated", "--check"])
    #expect(!plain.output.contains("Ctrl-C"), "\(plain)")
  }

  @Test("closed standard descriptors do not disturb it")
  func closedDescriptors() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("watts.sock")
    let script = "exec \"$0\" --source simulated --log-level DEBUG --interval 0.5 --socket \(path) <&- >&- 2>&-"
    let service = try Child(["sh", "-c", script, Executables.service])
    try wait(for: "the socket") { FileManager.default.fileExists(atPath: path) }
    let client = try Client(path)
    for _ in 0..<3 { #expect(try client.reading().status == "simulated") }
    service.send(SIGTERM)
    #expect(try service.exitCode() == 0)
  }
}
