internal import ArgumentParser
internal import PowercapMount
internal import SystemCalls

/// Runs a command that finds the service's energy where the kernel would show it.
struct WithCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "with", abstract: "Run a command that reads RAPL from powercap, without root.",
    discussion: """
      The command and its children find the service's energy in /sys/class/powercap, where the kernel's own files can be read \
      only by root. Nothing else changes for them, and nothing for other programs. Programs that are setuid, such as sudo, do not \
      work inside, because the command has a user namespace of its own (not if root runs it).

      Exit codes: the command takes the place of this program, so they are its own. 125: not started (no service, or the system \
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
