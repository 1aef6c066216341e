internal import ArgumentParser
internal import Diagnosis
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

  func validate() throws {
    if root == "" || capture == "" { throw ValidationError("--root and --capture need the path of a folder.") }
  }

  func run() throws {
    let machine = try Machine(root: root)
    let report = Doctor.examine(machine)
    if let capture {
      try machine.capture(in: capture)
      if !json {
        try StandardOutput.write(
          "What was read is saved in \(capture); pkg-watt-stat doctor --root \(capture) replays it.\n\n")
      }
    }
    try StandardOutput.write((json ? report.json : report.text) + "\n")
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }
}
