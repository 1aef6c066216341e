internal import ArgumentParser
internal import PowercapMount
internal import SystemCalls

/// Runs a command that finds the service's energy where the kernel would show it.
struct WithCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "with", abstract: "Run a command that reads RAPL from powercap, without root.",
    usage: "pkg-watt-stat with [--socket <path>] -- <command> ...",
    discussion: """
      In /sys/class/powercap the command and its children see the service's energy instead of the kernel's own files, which \
      only root can read. Other files and other programs are not affected. Unless root runs it, the command has \
      a user namespace of its own, in which setuid programs such as sudo do not work.

      Exit codes: those of the command, which takes the place of this program. 125: not started (no service, or the system \
      forbids it). 126: the command cannot be executed. 127: the command was not found. 64: wrong usage.
      """)

  @OptionGroup var service: ClientOptions

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  func validate() throws {
    if command.isEmpty {
      throw ValidationError(
        "Put -- and the command after the options of with, for example: pkg-watt-stat with -- btop")
    }
  }

  func run() throws {
    do {
      for warning in try PrivateTree.enter(TreeProgram(), socket: service.socket) { StandardError.complain(warning) }
      try CommandWords(last: command.count).execute()
    } catch {
      StandardError.complain("Error: \(error)")
      throw ExitCode((error as? CommandError)?.exitCode ?? 125)
    }
  }
}
