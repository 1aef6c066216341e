internal import ArgumentParser
internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import ServiceManager
internal import Serving
internal import SystemCalls

/// The service: registers to clients.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Read the energy counters and serve watts on Unix sockets.",
    discussion: """
      Needs root, or CAP_SYS_RAWIO and readable /dev/cpu/*/msr nodes. Once these are open, it gives up every other right. \
      SIGTERM, SIGINT or SIGHUP ends it. Exit code 75: the machine has changed, and the service has to be started again.
      """)

  @OptionGroup var options: ServeOptions

  func run() throws {
    explainInTerminal()
    let logger = ServiceLog.logger(level: options.logLevel)
    let service = ServiceRun(options.service, version: PkgWattStat.version, logger: logger, onReady: sayHowToRead)
    guard options.check else { return try service.serve() }
    do {
      try StandardOutput.write("Measurable: \(try service.check().harmless).\n")
    } catch let end as EndedBySignal {
      throw ExitCode(128 + end.signal)
    }
  }

  /// What to do next, for someone at a terminal.
  private func sayHowToRead() {
    guard isatty(STDERR_FILENO) == 1 else { return }
    let program = CommandLine.arguments.first.map(shellWord) ?? "pkg-watt-stat"
    let place = options.socket.first.map { " --socket \(shellWord($0))" } ?? ""
    StandardError.say(
      "To see watts, type in another terminal: \(program) read\(place) (or watch). Press Ctrl-C here to end the service."
    )
  }

  /// Someone who types only the program's name at a terminal may not know yet what it does.
  private func explainInTerminal() {
    guard CommandLine.arguments.count == 1, isatty(STDERR_FILENO) == 1 else { return }
    let text = """
      This starts the service: it reads the CPU's energy counters and serves watts at \(SocketPaths.preferred) and
      \(SocketPaths.original). For the other commands: pkg-watt-stat --help
      """
    StandardError.say(text)
  }
}
