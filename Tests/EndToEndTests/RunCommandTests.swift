import Foundation
import Testing

@Suite("The command that is measured", .serialized)
struct RunCommandTests {
  @Test(
    "has its exit code passed on, as env and sh pass it",
    arguments: [
      (["true"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -9 $$"], 137),
      (["sh", "-c", "kill -TERM $$"], 143),
      (["/nonexistent/command"], 127), (["no-such-command-anywhere"], 127), (["/etc/passwd"], 126), (["/etc"], 126),
    ] as [([String], Int32)])
  func exitCodes(command: [String], expected: Int32) throws {
    let service = try Service.simulated()
    let (code, output) = try Child.run(Run(service: service).arguments(command))
    #expect(code == expected, "\(output)")
    #expect(expected == 126 || expected == 127 ? output.contains("Cannot run \(command[0]): ") : output.contains(" J"))
    #expect(output.contains("it is a folder") == (command == ["/etc"]), "\(output)")
  }

  @Test("is not started where no service is, which exit code 125 and a sentence say")
  func noService() throws {
    let folder = try TemporaryFolder()
    let (code, output) = try Child.run([
      Executables.service, "run", "--socket", folder.file("none.sock"), "--", "touch", folder.file("started"),
    ])
    #expect(code == 125)
    #expect(output.contains("The command was not started. No service answers at \(folder.file("none.sock"))"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("started")))
  }

  @Test("has its input and output to itself, byte for byte, and its arguments too")
  func bytes() throws {
    let service = try Service.simulated()
    let input = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) })
    try input.write(to: URL(filePath: service.folder.file("input")))
    let run = Run(service: service).arguments([]).joined(separator: " ")
    let script = """
      cd \(service.folder.path)
      \(run) cat < input > output 2> report
      \(run) sh -c 'printf "%s" "$1" >&2' sh "$(printf 'a\\377 b')" -- > output2 2> report2
      """
    #expect(try Child.run(["bash", "-c", script]).exitCode == 0)
    #expect(FileManager.default.contents(atPath: service.folder.file("output")) == input)
    #expect(FileManager.default.contents(atPath: service.folder.file("output2")) == Data())
    let report = try #require(FileManager.default.contents(atPath: service.folder.file("report")))
    #expect(String(decoding: report, as: UTF8.self).hasPrefix("cat: exit code 0 after "))
    // What it wrote to stderr stands before the report.
    let report2 = try #require(FileManager.default.contents(atPath: service.folder.file("report2")))
    #expect(report2.starts(with: [0x61, 0xFF, 0x20, 0x62]))
  }

  @Test(
    "starts with the signals and descriptors that run was given",
    .disabled(if: Executables.isSanitized, "a sanitizer has descriptors and signals of its own"),
    arguments: ["", "trap '' HUP INT CHLD; "])
  func inheritance(prefix: String) throws {
    let service = try Service.simulated()
    // Which descriptor ls itself opens does not matter: it is the same in both.
    let look = "sh -c 'grep -E \"Sig(Ign|Blk)\" /proc/self/status; ls /proc/self/fd' > "
    let run = Run(service: service).arguments([]).joined(separator: " ")
    let (plain, measured) = (service.folder.file("plain"), service.folder.file("measured"))
    let (code, output) = try Child.run([
      "bash", "-c", "\(prefix)\(look)\(plain); exec 2>&-; \(look)\(plain); \(run) \(look)\(measured)",
    ])
    #expect(code == 0, "\(output)")
    let text = try String(contentsOfFile: plain, encoding: .utf8)
    #expect(text.contains("SigIgn"))
    #expect(try String(contentsOfFile: measured, encoding: .utf8) == text)
  }

  @Test("gets the signals that are sent to run", arguments: ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
  func signals(name: String) throws {
    let service = try Service.simulated()
    let ready = service.folder.file("ready")
    let child = try Child(
      Run(service: service).arguments([
        "bash", "-c", "trap 'echo got \(name); exit 7' \(name); touch \(ready); while :; do sleep 0.05; done",
      ]))
    try wait(for: "the command") { FileManager.default.fileExists(atPath: ready) }
    let numbers = ["HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "TERM": SIGTERM, "USR1": SIGUSR1, "USR2": SIGUSR2]
    child.send(try #require(numbers[name]))
    #expect(try child.exitCode() == 7)
    #expect(child.output.contains("got \(name)\n"))
    #expect(child.output.contains("exit code 7 after"))
  }

  @Test("keeps its terminal, and gets its Ctrl-C once")
  func terminal() throws {
    let service = try Service.simulated()
    let command = service.folder.file("command")
    // A second one would come while it sleeps.
    try """
    n=0; trap 'n=$((n+1))' INT
    tty && [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo kept; echo ready
    until [ $n -gt 0 ]; do sleep 0.05; done; sleep 0.5; exit $((40 + n))
    """.write(toFile: command, atomically: false, encoding: .utf8)
    let run = Run(service: service).arguments(["bash", command]).joined(separator: " ")
    let script = """
      cd \(service.folder.path) && mkfifo keys
      (
        exec > keys
        until grep -q ready log; do sleep 0.05; done
        printf '\\003'
      ) &
      # Whichever shell SHELL names: one that stays would get the Ctrl-C too.
      timeout --foreground 20 script -qefc "exec \(run)" log < keys > /dev/null
      """
    let (code, output) = try Child.run(["bash", "-c", script], seconds: 25)
    let log = try String(contentsOfFile: service.folder.file("log"), encoding: .utf8)
    #expect(code == 41, "\(output)\(log)")
    #expect(log.contains("/dev/pts/") && log.contains("kept"), "\(log)")
    #expect(log.contains("exit code 41 after"))
  }

  @Test("is stopped and goes on with run, as a job of its shell")
  func jobControl() throws {
    let service = try Service.simulated()
    let command = service.folder.file("command")
    try "echo ready; until [ -e \(service.folder.file("go")) ]; do sleep 0.05; done; exit 5"
      .write(toFile: command, atomically: false, encoding: .utf8)
    let run = Run(service: service).arguments(["sh", command]).joined(separator: " ")
    let script = """
      cd \(service.folder.path) && mkfifo keys
      (
        exec > keys
        echo '\(run)'
        until grep -q ready log; do sleep 0.05; done
        printf '\\032'
        until grep -q Stopped log; do sleep 0.05; done
        touch go
        echo 'fg; exit $?'
      ) &
      timeout --foreground 20 script -qefc "exec bash --norc -i" log < keys > /dev/null
      """
    let (code, output) = try Child.run(["bash", "-c", script], seconds: 25)
    let log = (try? String(contentsOfFile: service.folder.file("log"), encoding: .utf8)) ?? ""
    #expect(code == 5, "\(output)\(log)")
    #expect(log.contains("exit code 5 after"), "\(log)")
  }

  @Test(
    "runs to its end where the service is killed meanwhile, and no number is made up",
    .enabled(if: Executables.isRoot, "needs root"), arguments: [false, true], [false, true])
  func killedService(isTrusted: Bool, isRestarted: Bool) throws {
    let service = try Service.simulated()
    let go = service.folder.file("go")
    let child = try Child(
      Run(service: service, wrapper: isTrusted ? [] : Run.nobody).arguments([
        "sh", "-c", "until [ -e \(go) ]; do sleep 0.05; done; echo done; exit 6",
      ]))
    try wait(for: "the command") { hasStarted(child) }
    #expect(try service.stop(SIGKILL) == 128 + SIGKILL)
    let other =
      try isRestarted ? Child([Executables.service, "--source", "simulated", "--socket", service.socket]) : nil
    if let other { try wait(for: "the service") { other.output.contains("Ready") } }
    #expect(FileManager.default.createFile(atPath: go, contents: nil))
    #expect(try child.exitCode() == 6)
    #expect(child.output.hasPrefix("done\n"))
    #expect(
      child.output.contains("Not measured: The service at \(service.socket) ended or was restarted"),
      "\(child.output)")
    #expect(!child.output.contains(" J"))
  }

  @Test("is passed its exit code on where the report cannot be written")
  func report() throws {
    let service = try Service.simulated()
    let run = Run(service: service)
    let closed = run.arguments(["sh", "-c", "exit 5"]).joined(separator: " ").replacing("exit 5", with: "'exit 5'")
    #expect(try Child.run(["bash", "-c", "\(closed) 2> >(exec true)"]).exitCode == 5)
    let full = Run(service: service, options: ["--output", "/dev/full"])
    let (code, output) = try Child.run(full.arguments(["sh", "-c", "exit 5"]))
    #expect(code == 5)
    #expect(output.contains("Cannot write the report to /dev/full: No space left on device."))
    let missing = Run(service: service, options: ["--output", "/nonexistent/report"])
    #expect(try Child.run(missing.arguments(["touch", service.folder.file("started")])).exitCode == 125)
    #expect(!FileManager.default.fileExists(atPath: service.folder.file("started")))
  }

  @Test("is repeated, until it fails")
  func repeated() throws {
    let service = try Service.simulated()
    let run = Run(service: service, options: ["--repeat", "3"])
    let report = try run.report(["sleep", "0.3"])
    #expect(report.runs.count == 3 && report.measured_runs == 3 && report.problems.isEmpty)
    #expect(report.total?.joules_deviation != nil)
    let count = service.folder.file("count")
    let failing = try run.report(["sh", "-c", "echo >> \(count); [ $(wc -l < \(count)) -lt 2 ]"])
    #expect(failing.runs.map(\.exit_code) == [0, 1])
    #expect(failing.wanted_runs == 3)
    #expect(failing.exit_code == 1)
    #expect(failing.problems == ["Stopped: exit code 1."])
  }

  @Test("is measured exactly for members of the trusted group only", .enabled(if: Executables.isRoot, "needs root"))
  func group() throws {
    let service = try Service.simulated(["--trusted-group", "daemon"])
    let member = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--groups", "daemon"]
    let exact = try Run(service: service, wrapper: member).report(["sleep", "0.5"])
    #expect(exact.exact && exact.simulated)
    #expect(exact.window_seconds < 0.2)
    let other = Run(service: service, wrapper: Run.nobody)
    #expect(!(try other.report(["sleep", "0.5"])).exact)
    let (_, output) = try Child.run(other.arguments(["true"]))
    #expect(output.contains("Root and members of the group daemon get exact readings."), "\(output)")
    #expect(output.contains("too short for windows of 0.25 s"))
    #expect(output.contains("Simulated: the service invents these numbers."))
  }

  @Test(
    "has to be a sensible request",
    arguments: [
      [], ["--idle", "0", "--", "true"], ["--repeat", "0", "--", "true"], ["--wrong", "--", "true"], ["true"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Child.run([Executables.service, "run"] + arguments).exitCode == 64)
  }
}
