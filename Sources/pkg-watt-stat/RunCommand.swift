internal import ArgumentParser
internal import EnergyRun
internal import PowerClient
internal import SystemCalls

/// Runs a command and reports the energy that was drawn while it ran.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command, and report the energy that the CPU packages drew while it ran.",
    // The parser would show the command as if it could be left out.
    usage: """
      pkg-watt-stat run [--socket <path>] [--idle <seconds>] [--repeat <n>] [--json] [--output <file>] -- <command> ...
      """,
    discussion: """
      The report covers everything that ran in that time, not the command alone; --idle subtracts idle power. The command \
      keeps its input, output and terminal. The report goes to stderr, after the command has ended. Ctrl-C goes to the \
      command. SIGTERM and SIGHUP are passed on to it. A signal that comes after the command's end, while run still waits \
      for the last reading, ends run without the energy.

      Exit codes: the command's own, or 128 plus the signal's number if a signal killed it. 1: the command succeeded, but \
      the report could not be written. 125: not started (nothing to measure with, or the report file cannot be written). \
      126: the command cannot be executed. 127: the command was not found. 64: wrong usage.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Measure idle power for this many seconds first (minimum 1), and subtract it.", valueName: "seconds"))
  var idle: Double?

  @Option(
    name: .customLong("repeat"),
    parsing: .unconditional,
    help: ArgumentHelp(
      "Run the command this many times, and report mean and standard deviation. It stops after a run that fails.",
      valueName: "n"))
  var count = 1

  @Flag(help: "Report as one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write the report to this file instead of stderr. An old report stays until the new one is complete.",
      valueName: "file"))
  var output: String?

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  func validate() throws {
    if command.isEmpty {
      throw ValidationError(
        "Put -- and the command after the options of run, for example: pkg-watt-stat run -- sleep 5")
    }
    if let idle, !(1...86_400 ~= idle) { throw ValidationError("--idle must be from 1 to 86400 seconds.") }
    guard 1...1_000_000 ~= count else { throw ValidationError("--repeat must be from 1 to 1000000.") }
  }

  func run() throws {
    let exitCode: Int32
    do {
      let place = try openOutput()
      exitCode = try measure().write(to: place, asJSON: json) { StandardError.complain($0) }
    } catch {
      StandardError.complain("Error: \(error)")
      exitCode = (error as? RunFailure)?.exitCode ?? 125
    }
    if exitCode != 0 { throw ExitCode(exitCode) }
  }

  /// Makes sure that the report can be written, before anything is measured for it.
  private func openOutput() throws -> Output {
    do throws(OutputError) {
      return try Output(output, orElse: .standardError)
    } catch {
      throw RunFailure.noReport(error)
    }
  }

  private func measure() throws -> RunReport {
    let signals = try CommandSignals()
    let connection: PowerConnection
    do {
      connection = try service.address.connectTrusting(interrupt: signals.descriptor)
    } catch {
      throw RunFailure(error, signals)
    }
    var meter = try RunMeter(connection, signals)
    let words = CommandWords(last: command.count)
    var report = RunReport(
      command: words.texts, info: meter.info, windowSeconds: meter.windowSeconds, wantedRuns: count)
    if let idle { report.idle = try meter.idle(seconds: idle) }
    try meter.run(words, for: &report)
    return report
  }
}
