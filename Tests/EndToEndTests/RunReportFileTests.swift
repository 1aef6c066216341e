import Foundation
import Testing

@Suite("The file of a run's report", .serialized)
struct RunReportFileTests {
  private func run(_ service: Service, _ output: String, wrapper: [String] = []) -> Run {
    Run(service: service, wrapper: wrapper, options: ["--output", output])
  }

  @Test("keeps the old report until there is a new one, and then holds that alone")
  func old() throws {
    let service = try Service.simulated()
    let path = service.folder.file("report")
    try String(repeating: "old\n", count: 1000).write(toFile: path, atomically: false, encoding: .utf8)
    chmod(path, 0o600)
    let missing = [Executables.service, "run", "--socket", "/nonexistent/s", "--output", path, "--", "true"]
    #expect(try Child.run(missing).exitCode == 125)
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("old\nold\n"))
    // While the command runs nothing has changed either.
    let (code, output) = try Child.run(run(service, path).arguments(["cat", path]))
    #expect(code == 0 && output.hasPrefix("old\nold\n") && !output.contains(" J"))
    let report = try String(contentsOfFile: path, encoding: .utf8)
    #expect(report.hasPrefix("cat \(path): exit code 0 after ") && !report.contains("old\n"))
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: service.folder.path).sorted() == ["report", "watts.sock"])
  }

  @Test("is not written through another user's link", .enabled(if: Executables.isRoot, "needs root"))
  func links() throws {
    let service = try Service.simulated()
    let precious = service.folder.file("precious")
    try "precious\n".write(toFile: precious, atomically: false, encoding: .utf8)
    let folder = try TemporaryFolder()
    let others = folder.file("others")
    try FileManager.default.createDirectory(atPath: others, withIntermediateDirectories: false)
    symlink(precious, others + "/report")
    symlink(service.folder.path, others + "/folder")
    for name in ["", "/report", "/folder"] { #expect(lchown(others + name, 65534, 65534) == 0) }
    for path in [others + "/report", others + "/folder/precious", others + "/folder/new"] {
      let (code, output) = try Child.run(run(service, path).arguments(["touch", folder.file("started")]))
      #expect(code == 125 && output.contains("a symbolic link that another user made"), "\(output)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("started")))
    #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious\n")
    #expect(!FileManager.default.fileExists(atPath: service.folder.file("new")))
    // Its maker, and a link of the caller's own, may.
    let own = folder.file("own")
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: false)
    for link in [others + "/report", own + "/mine"] {
      if link.hasSuffix("mine") { symlink(precious, link) }
      let wrapper = link.hasSuffix("mine") ? [] : Run.nobody
      if !wrapper.isEmpty { chmod(precious, 0o666) }
      let (code, output) = try Child.run(run(service, link, wrapper: wrapper).arguments(["true"]))
      #expect(code == 0, "\(output)")
      #expect(try String(contentsOfFile: precious, encoding: .utf8).hasPrefix("true: exit code 0"))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == precious)
    }
  }

  @Test("may be a pipe, or what run itself was given")
  func pipes() throws {
    let service = try Service.simulated()
    let command = run(service, "/dev/stdout").arguments(["echo", "first"]).joined(separator: " ")
    let file = service.folder.file("both")
    for script in ["\(command) | cat", "\(command) > \(file); cat \(file)"] {
      let (_, output) = try Child.run(["bash", "-c", script])
      #expect(output.hasPrefix("first\necho first: exit code 0 after "), "\(output)")
    }
    let fifo = run(service, ">(cat >&2)").arguments(["true"]).joined(separator: " ")
    let (_, output) = try Child.run(["bash", "-c", "\(fifo); wait $!; true"])
    #expect(output.hasPrefix("true: exit code 0 after "), "\(output)")
  }
}

@Suite("The wait for the last reading", .serialized)
struct LastReadingTests {
  @Test("can be ended by a signal, and the command's exit code is passed on", arguments: [SIGTERM, SIGINT, SIGHUP])
  func interrupted(signal: Int32) throws {
    // An hour from reading to reading, for whom readings come by subscription.
    let server = try FakeServer(
      answers: FakeServer.answers(
        info: FakeServer.info(interval: "3600", shortest: "3600"), sample: Self.fresh(),
        subscribe: FakeServer.subscribed("3600")))
    let ended = server.folder.file("ended")
    let child = try Child([
      Executables.service, "run", "--socket", server.socket, "--", "sh", "-c", "touch \(ended); exit 3",
    ])
    try wait(for: "the command's end") { FileManager.default.fileExists(atPath: ended) && !hasStarted(child) }
    #expect(child.isRunning)
    child.send(signal)
    #expect(try child.exitCode() == 3)
    #expect(
      child.output.contains("Not measured: Signal \(signal) arrived before the last reading."),
      "\(child.output)")
    #expect(!child.output.contains(" J"))
  }

  /// A sample of now.
  private static func fresh() -> String {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return FakeServer.sample(monotonic: "\(Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - 0.5)")
  }
}
