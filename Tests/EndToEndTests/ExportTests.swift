import Foundation
import Testing

@Suite("Export", .serialized)
struct ExportTests {
  private func export(_ service: Service, _ arguments: String...) throws -> (exitCode: Int32, output: String) {
    try Child.run([Executables.service, "export", "--socket", service.socket] + arguments)
  }

  @Test(
    "writes one sample of a running service in each format",
    arguments: [
      ("json", #""status": "simulated""#), ("csv", "timestamp,status,window_seconds,watts,"),
      ("waybar", #""class": "simulated""#), ("prometheus", "# TYPE pkg_watt_stat_energy_joules_total counter"),
      ("openmetrics", "# EOF"),
    ])
  func formats(format: String, has: String) throws {
    let (code, output) = try export(try Service.simulated(), "--format", format)
    #expect(code == 0 && output.contains(has), "\(output)")
    #expect(output.split(separator: "\n").last?.contains("# EOF") == (format == "openmetrics"))
    if format == "csv" {
      let rows = output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      #expect(rows.count == 2 && rows[0].count == rows[1].count && rows[1][1] == "simulated")
      #expect((Double(rows[1][3]) ?? 0) > 1)
    }
  }

  @Test("fills a template")
  func template() throws {
    let template = "{watts:.1f} W, {package0.joules} J ({status})"
    let (code, output) = try export(try Service.simulated(), "--format", "template", "--template", template)
    #expect(code == 0)
    #expect(output.wholeMatch(of: /\d+\.\d W, \d+(\.\d+)? J \(simulated\)\n/) != nil, "\(output)")
  }

  @Test("follows: each row is a later one")
  func follow() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let child = try Child([Executables.service, "export", "--socket", service.socket, "--format", "csv", "--follow"])
    try wait(for: "a header and three rows") { child.output.filter { $0 == "\n" }.count >= 4 }
    let rows = child.output.split(separator: "\n").dropFirst().prefix(3)
    let stamps = rows.compactMap { Double($0.prefix { $0 != "," }) }
    #expect(stamps.count == 3 && stamps == stamps.sorted() && Set(stamps).count == 3)
    // The service goes, which is said, and comes again: the rows go on.
    #expect(try service.stop() == 0)
    try wait(for: "a word of it") { child.output.contains("has ended or was restarted") }
    let before = child.output.filter { $0 == "\n" }.count
    let again = try Child([
      Executables.service, "serve", "--source", "simulated", "--interval", "0.5", "--socket", service.socket,
    ])
    try wait(for: "two rows more") { child.output.filter { $0 == "\n" }.count >= before + 2 }
    #expect(again.isRunning && child.output.components(separatedBy: "timestamp,").count == 2, "one header")
  }

  @Test("writes a file whole, and one of metrics says that the service has gone")
  func file() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let folder = try TemporaryFolder()
    let path = folder.file("watts.prom")
    let child = try Child([
      Executables.service, "export", "--socket", service.socket, "--format", "prometheus", "--follow", "--output", path,
    ])
    var seen: Set<String> = []
    try wait(for: "three versions of the file") {
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return false }
      #expect(text.hasPrefix("# HELP pkg_watt_stat_up") && text.contains("\npkg_watt_stat_service_wakeups_total "))
      seen.insert(text)
      return seen.count >= 3
    }
    #expect(try service.stop() == 0)
    try wait(for: "the file to say so") {
      let last = try? String(contentsOfFile: path, encoding: .utf8)
      return last?.contains("pkg_watt_stat_up 0") == true && last?.contains("joules") == false
    }
    #expect(child.isRunning, "it waits for the service")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["watts.prom"])
  }

  @Test("a service that hangs is told from one that answers, and waited for")
  func hangs() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let child = try Child([Executables.service, "export", "--socket", service.socket, "--format", "waybar", "--follow"])
    func classes() -> [String] { child.output.matches(of: /"class": "(\w+)"}/).map { String($0.output.1) } }
    try wait(for: "a sample") { classes().last == "simulated" }
    service.child.send(SIGSTOP)
    try wait(seconds: 20, for: "a word of it") { classes().last == "unavailable" }
    #expect(child.output.contains("\(service.socket) gave no reading or answer for 5 s;"), "\(child.output)")
    service.child.send(SIGCONT)
    try wait(seconds: 20, for: "a sample again") { classes().last == "simulated" }
    #expect(service.child.isRunning && child.isRunning)
  }

  @Test(
    "ends with whoever reads it, also while it waits for the service", arguments: ["with a service", "without", "hung"])
  func unread(_ service: String) throws {
    let running = try Service.simulated(["--interval", "3600"])
    let ready = running.folder.file("ready")
    let export = "\(Executables.service) export --socket \(running.socket) --format csv --follow"
    // Reads a header and a row; then the service changes, and nobody reads any more.
    let reader = "head -n 2 >\(ready); for i in {1..600}; do [ -e \(ready).go ] && break; sleep 0.05; done"
    let child = try Child(["bash", "-c", "\(export) > >(\(reader)); echo ended $?"])
    try wait(for: "a row") { (try? String(contentsOfFile: ready, encoding: .utf8))?.filter { $0 == "\n" }.count == 2 }
    switch service {
    case "without":
      #expect(try running.stop() == 0)
      try wait(for: "a word of it") { child.output.contains("\nWaiting for the service") }
    case "hung": running.child.send(SIGSTOP)
    default: break
    }
    #expect(child.isRunning)
    try "".write(toFile: "\(ready).go", atomically: false, encoding: .utf8)
    try wait(for: "its end") { child.output.contains("ended 141") }
  }

  @Test("a closed stdout that nothing is written to is nobody's socket, and no trouble")
  func closedOutput() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let file = service.folder.file("watts.csv")
    let export = "\(Executables.service) export --socket \(service.socket) --format csv --follow --output \(file) >&-"
    let child = try Child(["bash", "-c", "exec \(export)"])
    try wait(for: "a row") { FileManager.default.fileExists(atPath: file) }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child.pid)/fd/1") == "/dev/null")
    #expect(try service.stop() == 0)
    try wait(for: "a word of it") { child.output.contains("\nWaiting for the service") }
    #expect(child.isRunning)
  }

  @Test("without a service ends with one sentence; metrics say so too", arguments: ["json", "openmetrics", "waybar"])
  func noService(format: String) throws {
    let path = "/nonexistent/watts.sock"
    let (code, output) = try Child.run([Executables.service, "export", "--socket", path, "--format", format])
    #expect(code == 1 && output.contains("No service answers at \(path); start one there with"), "\(output)")
    #expect(output.contains("pkg_watt_stat_up 0\n") == (format == "openmetrics"))
    #expect(output.contains(#""class": "unavailable"}"#) == (format == "waybar"))
  }

  @Test(
    "wrong usage is refused before anything is asked or written",
    arguments: [
      (["--format", "xml"], "xml"), ([], "format"), (["--format", "template"], "needs --template"),
      (["--format", "csv", "--template", "x"], "--template"),
      (["--format", "template", "--template", "{wats}"], "{wats} is unknown; use one of {timestamp}"),
      (["--format", "csv", "--interval", "5"], "--interval needs --follow"),
      (["--format", "csv", "--follow", "--interval", "nan"], "must be more than 0"),
      (["--format", "csv", "--follow", "--interval", "0"], "must be more than 0"),
      (["--format", "csv", "--output", ""], "path of a file"),
    ])
  func usage(arguments: [String], says: String) throws {
    let command = [Executables.service, "export", "--socket", "/nonexistent/watts.sock"]
    let (code, output) = try Child.run(command + arguments)
    #expect(code == 64 && output.contains(says) && !output.contains("No service"), "\(output)")
    // What is wrong with a template is not among the options.
    #expect(output.contains("Usage:") != says.contains("unknown"), "\(output)")
  }

  @Test("a placeholder for what this machine does not have is refused, with what it has")
  func absent() throws {
    let (code, output) = try export(
      try Service.simulated(), "--format", "template", "--template", "{watts} {package9.watts}")
    #expect(code == 64 && output.contains("{package9.watts} does not exist on this machine"), "\(output)")
    #expect(output.contains("{package0.watts}") && !output.contains("Usage:"))
  }

  @Test("a shorter interval than the service has is warned of", .enabled(if: Executables.isRoot, "needs root"))
  func shortInterval() throws {
    let service = try Service.simulated()
    let (_, output) = try Child.run([
      "timeout", "1", Executables.service, "export", "--socket", service.socket, "--format", "csv", "--follow",
      "--interval", "0.001",
    ])
    #expect(
      output.contains("Warning: The service cannot give a sample every 0.001 s; there is one every 0.01 s."),
      "\(output)")
  }

  @Test("a folder, and what is in none, is not written to", arguments: ["/tmp", "/nonexistent/watts.prom"])
  func notAFile(path: String) throws {
    let (code, output) = try export(try Service.simulated(), "--format", "json", "--output", path)
    #expect(code == 1 && output.contains("--output"), "\(output)")
    #expect(!output.contains("watts\": "))
  }

  @Test("a pipe or device is written to, one sample behind the other, with one header")
  func streams() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let export = "\(Executables.service) export --socket \(service.socket) --format csv --output"
    let (code, nothing) = try Child.run(["sh", "-c", "\(export) /dev/null; stat -c %F /dev/null"])
    #expect(code == 0 && nothing == "character special file\n", "\(nothing)")
    for target in ["/dev/stdout", ">(cat)"] {
      let (_, output) = try Child.run(["bash", "-c", "timeout -s INT 2.5 \(export) \(target) --follow | cat"])
      let lines = output.split(separator: "\n")
      #expect(lines.count >= 3 && lines.first?.hasPrefix("timestamp,") == true, "\(output)")
      #expect(lines.dropFirst().allSatisfy { $0.contains(",simulated,") }, "\(output)")
    }
    let (full, said) = try Child.run(["sh", "-c", "\(export) /dev/full"])
    #expect(full == 1 && said.hasPrefix("Error: Cannot write to /dev/full: No space left on device."), "\(said)")
  }
}
