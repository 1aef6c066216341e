import Foundation
import Testing

@Suite("Bad input ends with one sentence", .serialized)
struct RefusalTests {
  struct Case: CustomTestStringConvertible {
    let arguments: [String]
    let code: Int32
    let says: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String..., code: Int32, says: String) {
      self.arguments = arguments
      self.code = code
      self.says = says
    }
  }

  @Test(
    "arguments that make no sense are refused",
    arguments: [
      Case("--interval", "0", code: 64, says: "from 0.5 to 3600"),
      Case("--interval", "-1", code: 64, says: "from 0.5 to 3600"),
      Case("run", "--idle", "-1", "--", "true", code: 64, says: "--idle must be from 1 to 86400"),
      Case("raed", code: 64, says: "doctor. Did you mean 'read'?"),
      Case("serv", code: 64, says: "doctor. Did you mean 'serve'?"),
      Case("--interval=-1", code: 64, says: "from 0.5 to 3600"),
      Case("--interval", "nan", code: 64, says: "from 0.5 to 3600"),
      Case("--interval", "inf", code: 64, says: "from 0.5 to 3600"),
      Case("--interval", "1e300", code: 64, says: "from 0.5 to 3600"),
      Case("--interval", "soon", code: 64, says: "interval"),
      Case("--interval", "0.1", code: 64, says: "private socket"),
      Case("--interval", "0.0001", "--socket", "/tmp/x.sock", code: 64, says: "0.001 with --socket"),
      Case(
        "--source", "simulated", "--trusted-group", "no-such-group", code: 1, says: "group no-such-group does not exist"
      ),
      Case("--source", "simulated", "--trusted-group", "", code: 64, says: "--trusted-group needs the name of a group"),
      Case("--source", "simulated", "--user", "", code: 64, says: "--user needs the name of a user"),
      Case("--root", "/nonexistent", code: 1, says: "\nTo find out more: pkg-watt-stat doctor --root /nonexistent\n"),
      Case(
        "--source", "msr", "--root", "/nonexistent", code: 1,
        says: "\nTo find out more: pkg-watt-stat doctor --root /nonexistent\n"),
      Case("--loud", code: 64, says: "--loud"),
      Case("status", code: 64, says: "Did you mean 'systemctl status pkg-watt-stat'?"),
      Case("-v", code: 64, says: "Did you mean '--version' or '--log-level DEBUG'?"),
      Case("--read", code: 64, says: "Did you mean 'read'?"),
      Case("export", "csv", code: 64, says: "Did you mean '--format csv'?"),
      Case("export", "--format", "CSV", code: 64, says: "Did you mean '--format csv'?"),
      Case("exporter", "--listen", "localhost", code: 64, says: "Did you mean '--listen 127.0.0.1:10611'?"),
      Case(
        "export", "--format", "template", "--template", "{watt}", code: 64, says: "Did you mean '{watts}'?"),
      Case("with", "btop", code: 64, says: "pkg-watt-stat with -- btop"),
      Case("sevre", code: 64, says: "Unknown command 'sevre'. The commands are serve, read, watch"),
      Case("", code: 64, says: "Unknown command ''"),
      Case("help", "sevre", code: 64, says: "Unknown command 'sevre'. The commands are serve, read, watch"),
      Case(
        "--socket", "/tmp/x.sock", "read", code: 64,
        says: "pkg-watt-stat read --socket /tmp/x.sock."),
      Case("--json", "watch", code: 64, says: "pkg-watt-stat watch --json."),
      Case("--connections-per-user", "0", code: 64, says: "from 1 to 1000000"),
      Case("--log-level", "LOUD", code: 64, says: "LOUD"),
      Case("--source", "guess", code: 64, says: "guess"),
      Case("--source", "simulated", "--root", "/", code: 64, says: "--root"),
      Case("--source", "simulated", "--user", "no-such-user", code: 1, says: "user no-such-user does not exist"),
      Case("--root", "", code: 64, says: "path of a folder"),
      Case("--root", "/nonexistent", code: 1, says: "/nonexistent/proc/cpuinfo: No such file"),
      Case("--source", "simulated", "--socket", "", code: 1, says: "does not end in a file name"),
      Case("--source", "simulated", "--socket", "/nonexistent/x.sock", code: 1, says: "does not exist; create it"),
      Case(
        "--source", "simulated", "--socket", "/tmp/" + String(repeating: "x", count: 120), code: 1,
        says: "125 bytes long"),
      Case("--source", "simulated", "--socket", "/tmp/x.sock", "--socket", "/tmp/x.sock", code: 64, says: "twice"),
    ])
  func arguments(_ bad: Case) throws {
    let (code, output) = try Child.run([Executables.service] + bad.arguments)
    #expect(code == bad.code)
    #expect(output.contains(bad.says), "\(output)")
  }

  @Test("something that is no socket is never touched", arguments: ["file", "directory", "symbolic link"])
  func occupied(by kind: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("watts.sock")
    switch kind {
    case "file": try "precious".write(toFile: path, atomically: false, encoding: .utf8)
    case "directory": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.file("elsewhere"))
    }
    let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    let (code, output) = try Child.run([Executables.service, "--source", "simulated", "--socket", path])
    #expect(code == 1)
    #expect(output.contains("\(path) is a \(kind), not a socket"), "\(output)")
    #expect(
      output.contains("name a file in it, such as \(path)/pkg-watt-stat.sock") == (kind == "directory"), "\(output)")
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["watts.sock"])
  }

  @Test("a second service is refused, and the first goes on")
  func twoServices() throws {
    let first = try Service.simulated()
    let client = try first.client()
    let (code, output) = try Child.run([Executables.service, "--source", "simulated", "--socket", first.socket])
    #expect(code == 1)
    #expect(output.contains("Another program is already serving at \(first.socket)"), "\(output)")
    #expect(output.contains("To read it: pkg-watt-stat read --socket \(first.socket)\n"), "\(output)")
    _ = try client.reading()
    #expect(try client.reading().status == "simulated")
    #expect(try first.client().reading().status == "simulated")
  }

  @Test("auto never falls back to simulated watts, and names the option", arguments: ["auto", "msr"])
  func noCounters(source: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("proc"), withIntermediateDirectories: false)
    let cpuinfo = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\npower management: ts [13]\n"
    try cpuinfo.write(toFile: folder.file("proc/cpuinfo"), atomically: false, encoding: .utf8)
    let (code, output) = try Child.run([Executables.service, "--source", source, "--root", folder.path])
    #expect(code == 1)
    #expect(output.contains("does not announce RAPL"), "\(output)")
    #expect(output.contains("--source simulated"), "\(output)")
    // No module of the kernel's would help this CPU.
    #expect(!output.contains("modprobe"), "\(output)")
  }

  @Test("cross-check tells a virtual machine only what helps there")
  func virtualMachine() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("proc"), withIntermediateDirectories: false)
    let cpuinfo = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu hypervisor\n"
    try cpuinfo.write(toFile: folder.file("proc/cpuinfo"), atomically: false, encoding: .utf8)
    let (code, output) = try Child.run([Executables.service, "cross-check", "--root", folder.path])
    #expect(code == 2 && output.contains("To do: measure on the physical machine."), "\(output)")
    #expect(!output.contains("firmware"), "\(output)")
  }

  @Test("a taken path is told before what turbostat lacks", .enabled(if: Executables.isRoot, "needs root"))
  func takenBeforeRights() throws {
    let first = try Service.simulated()
    let script = "ulimit -Hn 4096; exec \"$0\" --source turbostat --turbostat /bin/true --socket \"$1\""
    let (code, output) = try Child.run([
      "setpriv", "--bounding-set", "-sys_resource,-sys_nice", "sh", "-c", script, Executables.service, first.socket,
    ])
    #expect(code == 1 && output.contains("already serving at \(first.socket)"), "\(output)")
    #expect(!output.contains("Cannot give turbostat"), "\(output)")
  }

  @Test("without /proc it refuses, since nothing could be proven", .enabled(if: Executables.isRoot))
  func noProc() throws {
    let folder = try TemporaryFolder()
    let script = "umount -l /proc && exec \"$0\" --source simulated --socket \(folder.path)/watts.sock"
    let (code, output) = try Child.run(["unshare", "-m", "sh", "-c", script, Executables.service])
    #expect(code == 1)
    #expect(output.contains("mount /proc"), "\(output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}

@Suite("Words that would steer a terminal", .serialized)
struct SteeringWordsTests {
  @Test(
    "are said without what steers it",
    arguments: [
      (#"run --socket "$1" -- "$2""#, 127), (#"run --socket "$1" --output "/nonexistent/$2" -- true"#, 125),
      (#""$2""#, 64), (#""$(printf '\033\377')""#, 64), (#"read --"$2""#, 64), (#"read --socket "/$2""#, 1),
    ])
  func words(line: String, expected: Int32) throws {
    let service = try Service.simulated()
    let (code, output) = try Child.run([
      "sh", "-c", #"exec "$0" "# + line, Executables.service, service.socket, "\u{1B}[31mred",
    ])
    #expect(code == expected && output.contains("?"), "\(output)")
    #expect(!output.contains("\u{1B}"), "\(Array(output.utf8))")
  }

  @Test("are logged without it too, each message on one line")
  func log() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("\u{1B}[31m\nred")
    let child = try Child([Executables.service, "serve", "--source", "simulated", "--socket", path])
    try wait(for: "it to serve") { child.output.contains("Ready: ") }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
    #expect(child.output.contains("INFO: Ready: serving at \(folder.path)/?[31m?red.\n"), "\(child.output)")
    #expect(!child.output.contains("\u{1B}"), "\(Array(child.output.utf8))")
  }
}

@Suite("A service whose log nobody reads", .serialized)
struct UnreadErrorTests {
  @Test(
    "ends all the same where it cannot serve",
    arguments: [
      ["serve", "--source", "simulated", "--socket", "/nonexistent/s"], ["exporter", "--listen", "192.0.2.1:1"],
    ])
  func end(arguments: [String]) throws {
    // Its stderr is a pipe that takes nothing more.
    let script = """
      import os, subprocess, sys
      reader, writer = os.pipe()
      os.set_blocking(writer, False)
      try:
        while True: os.write(writer, b"x" * 4096)
      except BlockingIOError: pass
      os.set_blocking(writer, True)
      child = subprocess.Popen(sys.argv[1:], stderr=writer)
      try: print("ended", child.wait(20))
      except subprocess.TimeoutExpired:
        child.kill()
        print("hangs")
      """
    let (_, output) = try Child.run(["python3", "-c", script, Executables.service] + arguments, seconds: 30)
    #expect(output == "ended 1\n")
  }
}
