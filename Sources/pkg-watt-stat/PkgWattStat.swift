internal import ArgumentParser
internal import Attribution
internal import Exporter
internal import Formats
internal import Formatting
internal import Glibc
internal import ServiceManager
internal import Serving
internal import SystemCalls

/// The command line. Synchronous on purpose: `serve` gives up privileges while there is one thread, and an async main
/// would have more.
@main
struct PkgWattStat: ParsableCommand {
  static let version = "0.3.0"

  static let configuration = CommandConfiguration(
    commandName: "pkg-watt-stat",
    abstract: "Measure how many watts the CPU packages draw, and let every program read it, without root.",
    discussion: """
      The default subcommand is serve. Exit codes: 0 success, 1 failure (stderr says why), 64 wrong usage.
      """,
    version: version,
    subcommands: [
      ServeCommand.self, ReadCommand.self, WatchCommand.self, TopCommand.self, RunCommand.self, ExportCommand.self,
      ExporterCommand.self, WithCommand.self, PowercapCommand.self, PowercapUnitCommand.self, PassRegistersCommand.self,
      CrossCheckCommand.self, DoctorCommand.self,
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
      var command = try parse(Array(CommandLine.arguments.dropFirst()))
      isService = command is ServeCommand || command is ExporterCommand
      try command.run()
    } catch {
      end(error, isService: isService)
    }
  }

  /// The command, or a hint in place of the parser's error.
  private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    func explain() throws {
      let flaw = hint.flaw(in: arguments) { (try? parseAsRoot($0)) != nil }
      if let flaw { throw UsageError(flaw) }
    }
    // The parser accepts any word after help.
    if arguments.first == "help" { try explain() }
    do {
      return try parseAsRoot(arguments)
    } catch {
      try explain()
      throw error
    }
  }

  /// What is wrong with a command line that the parser rejects.
  private static var hint: CommandHint {
    func values(_ option: String, _ names: [String]) -> [(option: String, value: String, meant: String)] {
      names.map { (option, $0, $0) }
    }
    let levels = values("--log-level", LogLevel.allCases.map(\.rawValue)) + [("--log-level", "verbose", "DEBUG")]
    let values = [
      "serve": values("--source", SourceChoice.allCases.map(\.rawValue)) + levels,
      "export": values("--format", ExportFormat.allCases.map(\.rawValue)),
      "top": values("--by", Grouping.allCases.map(\.rawValue))
        + values("--sort", TopTable.Order.allCases.map(\.rawValue)),
      "exporter": [("--listen", "localhost", "\(ListenAddress())")] + levels,
      "cross-check": values("--reference", CrossCheckCommand.ReferenceName.allCases.map(\.rawValue)),
    ]
    // Of procps's programs.
    let habits = [
      "top": [
        ("-n", "--once"), ("-bn", "--once"), ("-b", "--follow"), ("-d", "--interval"), ("-o", "--sort"),
        ("-p", "--pid"),
        ("-u", "--by user"), ("-U", "--by user"),
      ],
      "watch": [("-n", "--interval")],
    ]
    let commands = configuration.subcommands.map { command in
      let name = command.configuration.commandName ?? ""
      return CommandHint.Command(
        name, usage: usageString(for: command), values: values[name] ?? [], habits: habits[name] ?? [],
        isListed: command.configuration.shouldDisplay)
    }
    let managed = ["status", "start", "stop", "restart", "reload", "enable", "disable"]
    let journal = ["log", "logs", "journal"].map { (name: $0, typed: "journalctl -u pkg-watt-stat") }
    return CommandHint(
      commands, others: managed.map { ($0, "systemctl \($0) pkg-watt-stat") } + journal + [("version", "--version")])
  }

  /// Prints an error and exits: help and version on stdout, everything else on stderr.
  ///
  /// - Parameter isService: whether this is a service, which must end even if nobody reads its log.
  private static func end(_ error: any Error, isService: Bool = false) -> Never {
    if let error = error as? UsageError {
      StandardError.complain("Error: \(error)")
      exit(withError: ExitCode(UsageError.exitCode))
    }
    if let error = error as? OutputError, error.errno == EPIPE { StandardOutput.endUnread() }
    // The parser's own printing would neither notice a failed write nor replace control characters.
    let message = fullMessage(for: error)
    let code =
      if case .changed? = error as? ServeError { ExitCode(ServeError.changedExitCode) } else { exitCode(for: error) }
    guard !message.isEmpty else { exit(withError: code) }
    do {
      if code == .success {
        try StandardOutput.write(message + "\n")
      } else {
        if isService { ServiceLog.complain(message) } else { StandardError.complain(message) }
      }
      exit(withError: code)
    } catch  where error.errno == EPIPE {
      StandardOutput.endUnread()
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
