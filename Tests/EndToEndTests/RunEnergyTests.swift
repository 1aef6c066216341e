import Foundation
import TestSupport
import Testing

@Suite(
  "The energy of a command, from registers", .namesTrials, .serialized,
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct RunEnergyTests {
  /// About 3.5 seconds of package 0 before the wrap, in counts of 2^-14 J: within the five seconds that are measured.
  private static let joulesToWrap = 150.0
  private static let machine = [
    "--watts", "42.5", "--watts", "17.25", "--counter-start",
    "\(UInt64(1) << 32 - UInt64(joulesToWrap * 16_384))",
  ]

  private func service(_ device: Device, _ arguments: [String] = []) throws -> Service {
    chmod(device.root.path, 0o755)
    return try Service(["--source", "msr", "--root", device.root.path] + arguments)
  }

  /// A command of five seconds that notes by itself what each package's load has drawn before and after.
  private func command(_ device: Device, _ folder: TemporaryFolder) -> [String] {
    let energy = device.root.file("dev/cpu/energy")
    return ["sh", "-c", "cat \(energy) > \(folder.file("before")); sleep 5; cat \(energy) > \(folder.file("after"))"]
  }

  /// What the command above has noted: joules of each package before it, and drawn meanwhile.
  private func truth(_ folder: TemporaryFolder) throws -> [(before: Double, drawn: Double)] {
    func joules(_ name: String) throws -> [Double] {
      try String(contentsOfFile: folder.file(name), encoding: .utf8).split(separator: "\n").map { line in
        try #require(Double(line.split(separator: " ")[1]))
      }
    }
    return zip(try joules("before"), try joules("after")).map { ($0, $1 - $0) }
  }

  @Test("is true within 0.5 % for root, on two packages, through a wrap")
  func trusted() throws {
    let device = try Device(Self.machine)
    let service = try service(device)
    let report = try Run(service: service).report(command(device, service.folder))
    let truth = try truth(service.folder)
    #expect(truth[0].before < Self.joulesToWrap && truth[0].before + truth[0].drawn > Self.joulesToWrap)
    #expect(report.exact)
    for (package, truth) in zip(report.packages, truth) {
      #expect(abs(package.joules - truth.drawn) <= truth.drawn * 0.005, "\(package) \(truth)")
      #expect(package.joules_uncertainty < truth.drawn * 0.05)
    }
    let total = try #require(report.total)
    let drawn = truth.reduce(0) { $0 + $1.drawn }
    #expect(abs(total.joules - drawn) <= drawn * 0.005)
    let totalWatts = try #require(total.mean_watts)
    #expect(abs(totalWatts - 59.75) <= 59.75 * 0.005)
    #expect(!total.lower_bound)
    // Core is a fixed share of its package, and in no sum.
    let core = try #require(report.packages[0].domains["core"])
    let coreWatts = try #require(core.mean_watts)
    #expect(abs(coreWatts - 42.5 * 0.7) <= 42.5 * 0.7 * 0.005)
  }

  @Test("is true within its uncertainty for everybody, and is not said to be exact")
  func everybody() async { await atOnce([[], ["--trusted-group", "daemon"]], everybody) }

  private func everybody(options: [String]) throws {
    let device = try Device(Self.machine)
    let service = try service(device, options)
    let report = try Run(service: service, wrapper: Run.nobody).report(command(device, service.folder))
    let truth = try truth(service.folder)
    #expect(truth[0].before < Self.joulesToWrap && truth[0].before + truth[0].drawn > Self.joulesToWrap)
    #expect(!report.exact)
    #expect(report.window_seconds == 0.25)
    for (package, truth) in zip(report.packages, truth) {
      #expect(abs(package.joules - truth.drawn) <= package.joules_uncertainty, "\(package) \(truth)")
      // Nearly one window, and two at most.
      let window = truth.drawn / 5 * 0.25
      #expect(package.joules_uncertainty > window / 2 && package.joules_uncertainty < truth.drawn * 0.2)
    }
  }

  @Test("idle power is subtracted")
  func idle() throws {
    let device = try Device(["--watts", "42.5"])
    let service = try service(device)
    let report = try Run(service: service, options: ["--idle", "2"]).report(["sleep", "2"])
    let total = try #require(report.total)
    let idle = try #require(total.idle_watts)
    #expect(abs(idle - 42.5) <= 42.5 * 0.005)
    let above = try #require(total.above_idle_joules)
    let uncertainty = try #require(total.above_idle_joules_uncertainty)
    #expect(abs(above) <= uncertainty)
    #expect(uncertainty < total.joules / 2)
  }

  @Test("is called a lower bound where a counter was reset meanwhile")
  func reset() async { await atOnce([false, true], reset) }

  private func reset(isTrusted: Bool) throws {
    let device = try Device(["--watts", "42.5", "--watts", "17.25"])
    let service = try service(device)
    let run = Run(service: service, wrapper: isTrusted ? [] : Run.nobody)
    let file = service.folder.file("reset")
    let child = try Child(run.arguments(["sh", "-c", "sleep 1; until [ -e \(file) ]; do sleep 0.1; done; sleep 2"]))
    try wait(for: "the command") { hasStarted(child) }
    try device.control("reset 1")
    #expect(FileManager.default.createFile(atPath: file, contents: nil))
    #expect(try child.exitCode() == 0)
    #expect(child.output.contains("all packages"))
    #expect(child.output.split(separator: "\n").filter { $0.contains("at least") }.count >= 2, "\(child.output)")
    #expect(!child.output.contains("package 0         at least"))
  }

  @Test("is not measured where the counters cannot be read at its end, and why is said")
  func stale() throws {
    let device = try Device(["--watts", "42.5"])
    let service = try service(device, ["--interval", "0.5"])
    let child = try Child(
      Run(service: service).arguments([
        "sh", "-c", "until [ -e \(service.folder.file("go")) ]; do sleep 0.05; done; exit 4",
      ]))
    try wait(for: "the command") { hasStarted(child) }
    try device.control("eio 0 on")
    #expect(FileManager.default.createFile(atPath: service.folder.file("go"), contents: nil))
    #expect(try child.exitCode(seconds: 20) == 4)
    #expect(child.output.contains("exit code 4 after"))
    #expect(child.output.contains("Not measured: The service gave no fresh reading within"), "\(child.output)")
    #expect(!child.output.contains(" J"))
    // And nothing is started that could not be measured.
    let file = service.folder.file("started")
    let (code, output) = try Child.run(Run(service: service).arguments(["touch", file]), seconds: 20)
    #expect(code == 125)
    #expect(output.contains("The command was not started. The service gave no fresh reading"), "\(output)")
    #expect(!FileManager.default.fileExists(atPath: file))
  }
}
