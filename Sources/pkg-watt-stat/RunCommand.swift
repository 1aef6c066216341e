internal import ArgumentParser
internal import EnergyRun
internal import Glibc
internal import Formatting
internal import PowerClient
internal import PowerProtocol
internal import SystemCalls

/// Runs a command and says what was drawn meanwhile.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command, and report the energy that the CPU packages drew meanwhile.",
    discussion: """
      It is the energy of all that ran, not of the command alone; --idle subtracts what was drawn before it. The command has \
      its input, output and terminal to itself; the report is on stderr, after its end. Ctrl-C is the command's; SIGTERM \
      and SIGHUP are handed on to it. Once it has ended, they end the wait for the last reading, without which nothing is \
      known.

      Exit codes: the command's own, or 128 and the signal's number where one killed it; 1 where it succeeded and the \
      report could not be written; 125 where it was not started, because nothing can be measured or no report could be \
      written, 126 where it cannot be executed, 127 where it is not found, 64 wrong usage.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "First measure for so long what is drawn anyway, 1 or more, and subtract it.", valueName: "seconds"))
  var idle: Double?

  @Option(
    name: .customLong("repeat"),
    parsing: .unconditional,
    help: ArgumentHelp(
      "Run it so many times, and report mean and standard deviation; a run that fails is the last.", valueName: "n"))
  var count = 1

  @Flag(help: "Report as one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write the report to this file in place of stderr, once it is there: until then an old one stays.",
      valueName: "file"))
  var output: String?

  @Argument(parsing: .postTerminator, help: "The command, behind --, and its arguments.")
  var command: [String] = []

  func validate() throws {
    if command.isEmpty {
      throw ValidationError(
        "Put -- and then the command behind the options of run, for example: pkg-watt-stat run -- sleep 5")
    }
    if let idle, !(1...86_400 ~= idle) { throw ValidationError("--idle is from 1 to 86400 seconds.") }
    guard 1...1_000_000 ~= count else { throw ValidationError("--repeat is from 1 to 1000000.") }
  }

  func run() throws {
    var exitCode: Int32
    do {
      let place = try openOutput()
      let report = try measure()
      exitCode = report.exitCode
      do throws(OutputError) {
        try place.write((json ? report.json.text : report.text) + "\n")
      } catch {
        // Somebody who has closed stderr wants no report, and still the command's exit code.
        if error != OutputError(.standardError, errno: EPIPE) {
          StandardError.complain("Error: \(ReportNotWritten(error))")
          if exitCode == 0 { exitCode = ExitCode.failure.rawValue }
        }
      }
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
      throw ReportNotWritten(error, isEarly: true)
    }
  }

  private func measure() throws -> RunReport {
    let signals = try CommandSignals()
    let connection: PowerConnection
    do {
      connection = try service.connectTrusting(interrupt: signals.descriptor)
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

/// A report that could not be written.
struct ReportNotWritten: Error, CustomStringConvertible {
  private let cause: OutputError
  private let isEarly: Bool

  /// - Parameter isEarly: whether that was seen before anything was measured.
  init(_ cause: OutputError, isEarly: Bool = false) {
    self.cause = cause
    self.isEarly = isEarly
  }

  var description: String {
    let what = "The report cannot be written to \(cause.destination): \(cause.reason)."
    return isEarly ? "The command was not started. \(what) Choose another --output." : what
  }
}
