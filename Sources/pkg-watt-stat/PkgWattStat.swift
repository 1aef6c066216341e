internal import ArgumentParser
internal import Formatting
internal import ServiceManager
internal import SystemCalls

/// The command line. Synchronous on purpose: `serve` gives up privileges while there is one thread, and an async main
/// would have more.
@main
struct PkgWattStat: ParsableCommand {
  static let version = "0.3.0"

  static let configuration = CommandConfiguration(
    commandName: "pkg-watt-stat",
    abstract: "Measure the power of the CPU packages, in watts, and serve it to every program without root.",
    discussion: """
      The default subcommand is serve. Exit codes: 0 success, 1 failure (stderr says why), 64 wrong usage.
      """,
    version: version,
    subcommands: [
      ServeCommand.self, ReadCommand.self, WatchCommand.self, RunCommand.self, ExportCommand.self,
      ExporterCommand.self, WithCommand.self, PowercapCommand.self, CrossCheckCommand.self, DoctorCommand.self,
    ],
    defaultSubcommand: ServeCommand.self)

  static func main() {
    // Before anything is opened.
    do {
      try StandardDescriptors.fill()
    } catch {
      exit(withError: error)
    }
    if let word = ArgumentBytes.firstNotUTF8(of: ArgumentBytes.all) {
      end(ValidationError("The argument '\(word)' is not valid UTF-8; use a path that is."))
    }
    var isService = false
    do {
      let hint = CommandHint(configuration.subcommands.compactMap { $0.configuration.commandName })
      let flaw = hint.flaw(in: Array(CommandLine.arguments.dropFirst())) { (try? parseAsRoot($0)) != nil }
      if let flaw { throw UsageError(flaw) }
      var command = try parseAsRoot()
      isService = command is ServeCommand || command is ExporterCommand
      try command.run()
    } catch {
      end(error, isService: isService)
    }
  }

  /// Prints an error and exits: help and version on stdout, everything else on stderr.
  ///
  /// - Parameter isService: whether this is a service, which must end even if nobody reads its log.
  private static func end(_ error: any Error, isService: Bool = false) -> Never {
    if let error = error as? UsageError {
      StandardError.complain("Error: \(error)")
      exit(withError: ExitCode(UsageError.exitCode))
    }
    // The parser's own printing would neither notice a failed write nor replace control characters.
    let message = fullMessage(for: error)
    let code = exitCode(for: error)
    guard !message.isEmpty else { exit(withError: code) }
    do {
      if code == .success {
        try StandardOutput.write(message + "\n")
      } else {
        if isService { ServiceLog.complain(message) } else { StandardError.complain(message) }
      }
      exit(withError: code)
    } catch {
      StandardError.say("Error: \(error)")
      exit(withError: ExitCode.failure)
    }
  }
}

/// Wrong usage for a reason that the list of options does not explain. Only the reason is printed; the exit code is that of
/// wrong usage.
struct UsageError: Error, CustomStringConvertible {
  /// As sysexits.h has it, and the argument parser.
  static let exitCode: Int32 = 64

  let description: String

  init(_ description: String) {
    self.description = description
  }
}
