import Foundation
import Testing

@Suite("Output that cannot be written", .serialized)
struct FullDiskTests {
  private static let sentence = "Error: Cannot write to standard output: No space left on device.\n"

  @Test(
    "ends each command with one sentence and exit code 1",
    arguments: [
      "read", "read --json", "read --count 2", "read --follow", "watch --once", "watch", "watch --interval 1",
      "export --format json", "export --format csv", "export --format prometheus", "export --format openmetrics",
      "export --format waybar", "export --format template --template {watts}", "export --format csv --follow",
      "export --format json --follow",
    ])
  func clients(command: String) throws {
    let service = try Service.simulated()
    let (code, output) = try Child.run([
      "sh", "-c", "exec \(Executables.service) \(command) --socket \(service.socket) > /dev/full",
    ])
    #expect(code == 1 && output == Self.sentence, "\(output)")
  }

  @Test(
    "ends what asks no service as well",
    arguments: [
      "doctor --root /nonexistent", "doctor --root /nonexistent --json", "serve --check --source simulated",
      "cross-check --root /nonexistent --duration 2", "--help", "help read", "run --help", "--version",
    ])
  func others(command: String) throws {
    let (code, output) = try Child.run(["sh", "-c", "exec \(Executables.service) \(command) > /dev/full"])
    #expect(code == 1 && output.hasSuffix(Self.sentence), "\(output)")
  }

  @Test(
    "is said of an output that is closed too",
    arguments: ["read", "watch", "watch --once", "export --format csv", "export --format json --follow"])
  func closed(command: String) throws {
    let service = try Service.simulated()
    let line = "exec \(Executables.service) \(command) --socket \(service.socket) >&-"
    let (code, output) = try Child.run(["sh", "-c", line])
    #expect(code == 1 && output == "Error: Cannot write to standard output: Bad file descriptor.\n", "\(output)")
  }

  @Test("is no trouble for what writes nothing there", arguments: [">&-", "<&- >&- 2>&-"])
  func unused(closed: String) throws {
    let service = try Service.simulated()
    let line = "exec \(Executables.service) run --socket \(service.socket) -- true \(closed)"
    let (code, output) = try Child.run(["sh", "-c", line])
    #expect(code == 0, "\(output)")
  }

  @Test("ends a follower in the middle, once the disk is full", .enabled(if: Executables.isRoot, "needs root"))
  func follower() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let mount = "mount -t tmpfs -o size=4k none \(service.folder.file("disk"))"
    let export = "\(Executables.service) export --socket \(service.socket) --format json --follow"
    let script =
      "mkdir \(service.folder.file("disk")) && \(mount) && exec \(export) > \(service.folder.file("disk/out"))"
    let (code, output) = try Child.run(["unshare", "-m", "sh", "-c", script], seconds: 30)
    #expect(code == 1 && output == Self.sentence, "\(output)")
  }

  @Test(
    "is no error if the reader has gone: the commands end quietly by SIGPIPE, even if their parent ignores it",
    arguments: [
      "read --follow", "watch", "watch --interval 0.5", "export --format csv --follow",
      "export --format waybar --follow", "export --format json --follow --output /dev/stdout",
    ], ["", "trap '' PIPE; "])
  func reader(command: String, trap: String) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let line = "\(Executables.service) \(command) --socket \(service.socket)"
    let (_, output) = try Child.run(["bash", "-c", "\(trap)\(line) | head -n 1 > /dev/null; echo ${PIPESTATUS[0]}"])
    #expect(output == "141\n")
  }

  @Test("is no error either for what is printed only once", arguments: ["--help", "doctor --root /nonexistent"])
  func printed(command: String) throws {
    let line = "sleep 0.2; exec \(Executables.service) \(command)"
    let (_, output) = try Child.run(["bash", "-c", "trap '' PIPE; (\(line)) | true; echo ${PIPESTATUS[0]}"])
    #expect(output == "141\n")
  }

  @Test(
    "ends the commands at once where the reader has gone, however far the next reading is",
    arguments: ["read --follow", "watch"])
  func readerOfRareReadings(command: String) throws {
    let service = try Service.simulated(["--interval", "3600"])
    let line = "\(Executables.service) \(command) --socket \(service.socket)"
    let (_, output) = try Child.run(["bash", "-c", "\(line) | head -n 1 > /dev/null; echo ${PIPESTATUS[0]}"])
    #expect(output == "141\n")
  }

  @Test("is said by run, whose exit code is then 1 where the command succeeded")
  func report() throws {
    let service = try Service.simulated()
    let full = Run(service: service, options: ["--output", "/dev/full"])
    for (command, expected) in [("true", 1), ("exit 5", 5)] as [(String, Int32)] {
      let (code, output) = try Child.run(full.arguments(["sh", "-c", command]))
      #expect(code == expected)
      #expect(output == "Error: Cannot write the report to /dev/full: No space left on device.\n")
    }
    let onStderr = Run(service: service).arguments(["true"]).joined(separator: " ")
    #expect(try Child.run(["sh", "-c", "exec \(onStderr) 2> /dev/full"]).exitCode == 1)
  }
}
