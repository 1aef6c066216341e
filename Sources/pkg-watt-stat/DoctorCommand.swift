internal import ArgumentParser
internal import CMSRShim
internal import Diagnosis
internal import Formatting
internal import Glibc
internal import Privileges
internal import SystemCalls

/// Explains whether and how this machine can be measured.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check whether and how this machine can be measured, and explain how to fix what is wrong.",
    discussion: """
      Changes nothing. Run it as root to see everything. Exit codes: 0 this machine can be measured; 1 it cannot, the \
      capture failed, or the output could not be written; 64 wrong usage. The last line says which.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Examine this folder instead of this machine: a capture, or a folder with dev/cpu, sys and proc/cpuinfo.",
      valueName: "dir"))
  var root: String?

  @Option(
    help: ArgumentHelp(
      "Save everything that the doctor reads to this new folder, which you can send to others. --root examines it on any machine.",
      valueName: "dir"))
  var capture: String?

  @Flag(
    help: ArgumentHelp(
      "With --capture: also record the energy counters for 20 s, so that --root can replay them. Root only, because the recording can reveal what runs at that time."
    ))
  var trace = false

  /// How long to record, and how long to wait before, in seconds.
  private static let traceSeconds = 20
  private static let graceSeconds = 5

  func validate() throws {
    if trace && capture == nil {
      throw ValidationError("--trace needs --capture, the folder to save the recording in.")
    }
    if root == "" || capture == "" { throw ValidationError("--root and --capture need the path of a folder.") }
  }

  func run() throws {
    let machine = try Machine(root: root)
    if let capture, trace { try record(machine, in: capture) }
    var lost: OutputError?
    let report = Doctor.examine(machine, refusal: Self.refusal) { [json, capture] finding in
      // A reader that goes away must not cost the capture, which may have taken long.
      guard !json, capture == nil, lost == nil else { return }
      do throws(OutputError) { try StandardOutput.write(finding.lines + "\n") } catch { lost = error }
    }
    if let lost { throw lost }
    if let capture {
      machine.takeInventory()
      try machine.capture(in: capture)
      if !json { for finding in report.findings { try StandardOutput.write(finding.lines + "\n") } }
    }
    if !json {
      try StandardOutput.write("\n")
      if let capture {
        try StandardOutput.write(
          "Saved a capture of this machine to \(capture). To examine it: pkg-watt-stat doctor --root \(shellWord(capture))\n\n"
        )
      }
    }
    try StandardOutput.write((json ? report.json : report.summary) + "\n")
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }

  /// Why `serve` would refuse to start as this process.
  private static var refusal: String? {
    do {
      try PrivilegeDrop.requirePossible()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Warns of what a trace reveals, then records it. Ctrl-C before it is saved leaves nothing of it.
  private func record(_ machine: Machine, in folder: String) throws {
    guard geteuid() == 0 else { throw TraceRefusal.notRoot }
    try machine.prepareTrace()
    try machine.prepareCapture(in: folder)
    StandardError.say(
      "This records fine energy readings for \(Self.traceSeconds) s. They can reveal what runs on this machine and what it "
        + "computes, so stop sensitive work now. Recording starts in \(Self.graceSeconds) s. If you press Ctrl-C, nothing is "
        + "saved."
    )
    cmsr_sleep_until(cmsr_monotonic_nanoseconds() + Int64(Self.graceSeconds) * 1_000_000_000)
    StandardError.say("Recording.")
    try machine.takeTrace(seconds: Double(Self.traceSeconds))
    StandardError.say("Done. You can resume the work that you stopped.")
  }
}
