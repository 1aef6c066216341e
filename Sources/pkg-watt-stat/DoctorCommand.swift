internal import ArgumentParser
internal import CMSRShim
internal import Diagnosis
internal import Formatting
internal import Glibc
internal import SystemCalls

/// Explains whether and how this machine can be measured.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Explain whether and how this machine can be measured, and what to do where it cannot.",
    discussion: """
      Changes nothing. Sees most as root. Exit codes: 0 this machine can be measured, 1 it cannot, or the capture failed, \
      or nothing could be written, 64 wrong usage; the last line says which.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Look at this folder, whose dev/cpu, sys and proc/cpuinfo stand for a machine, or that a capture was written into.",
      valueName: "dir"))
  var root: String?

  @Option(
    help: ArgumentHelp(
      "Save all that was read into this new folder, so that --root replays it: a machine to send to others.",
      valueName: "dir"))
  var capture: String?

  @Flag(
    help: ArgumentHelp(
      "With --capture, also record the energy counters for 20 s, so that --root shows how they move. Root only: it can reveal what runs meanwhile."
    ))
  var trace = false

  /// How long to record, and how long to wait before, in seconds.
  private static let traceSeconds = 20
  private static let graceSeconds = 5

  func validate() throws {
    if trace && capture == nil { throw ValidationError("--trace needs --capture, which says where to save it.") }
    if root == "" || capture == "" { throw ValidationError("--root and --capture need the path of a folder.") }
  }

  func run() throws {
    let machine = try Machine(root: root)
    if let capture, trace { try record(machine, in: capture) }
    let report = Doctor.examine(machine)
    if let capture {
      machine.takeInventory()
      try machine.capture(in: capture)
      if !json {
        try StandardOutput.write(
          "What was read is saved in \(capture); pkg-watt-stat doctor --root \(capture) replays it.\n\n")
      }
    }
    try StandardOutput.write((json ? report.json : report.text) + "\n")
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }

  /// Says what a trace reveals, and takes it. Until it is saved, Ctrl-C leaves nothing of it.
  private func record(_ machine: Machine, in folder: String) throws {
    guard geteuid() == 0 else { throw TraceRefusal.notRoot }
    try machine.prepareTrace()
    try machine.prepareCapture(in: folder)
    StandardError.say(
      "This records fine energy readings for \(Self.traceSeconds) s, which can reveal what runs on this machine, and what it "
        + "computes: stop sensitive work. It begins in \(Self.graceSeconds) s; Ctrl-C ends it, and then nothing is saved."
    )
    cmsr_sleep_until(cmsr_monotonic_nanoseconds() + Int64(Self.graceSeconds) * 1_000_000_000)
    StandardError.say("Recording.")
    try machine.takeTrace(seconds: Double(Self.traceSeconds))
    StandardError.say("Done: whatever was stopped may go on.")
  }
}
