internal import ArgumentParser
internal import CMSRShim
internal import SystemCalls

/// The command line. Synchronous on purpose: `serve` gives up privileges while there is one thread, and an async main
/// would have more.
@main
struct PkgWattStat: ParsableCommand {
  static let version = "0.3.0"

  static let configuration = CommandConfiguration(
    commandName: "pkg-watt-stat",
    abstract: "Shows every program what the CPU packages draw, in watts, without root.",
    discussion: """
      Without a subcommand it serves. Exit codes: 0 done, 1 failed (one sentence on stderr says why), 64 wrong usage.
      """,
    version: version,
    subcommands: [
      ServeCommand.self, ReadCommand.self, WatchCommand.self, RunCommand.self, ExportCommand.self,
      ExporterCommand.self, CrossCheckCommand.self, DoctorCommand.self,
    ],
    defaultSubcommand: ServeCommand.self)

  static func main() {
    // Before anything is opened: nothing may take the number of a closed stdout or stderr.
    let error = cmsr_fill_standard_descriptors()
    if error != 0 { exit(withError: ClosedDescriptorError(errno: error)) }
    if let word = argumentThatIsNotUTF8() {
      exit(withError: ValidationError("The argument '\(word)' is not UTF-8; give the path another way."))
    }
    // Else the default, serve, would say that it takes no such argument.
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    if let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), word != "help", !names.contains(word) {
      exit(withError: ValidationError("There is no command '\(word)'; there are \(names.joined(separator: ", "))."))
    }
    main(nil)
  }

  /// The first argument that is not UTF-8: changed into it, a path would name another file. What follows -- is a command for
  /// `run`, which gets its words as they are.
  private static func argumentThatIsNotUTF8() -> String? {
    for index in 1..<max(Int(CommandLine.argc), 1) {
      guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
      guard let text = unsafe String(validatingCString: word) else { return unsafe String(cString: word) }
      if text == "--" { return nil }
    }
    return nil
  }
}

/// A closed stdin, stdout or stderr that nothing can stand in for.
struct ClosedDescriptorError: Error, CustomStringConvertible {
  let errno: Int32

  var description: String {
    "stdin, stdout or stderr is closed, and /dev/null cannot be opened in its place: \(errorText(errno)). Leave them open."
  }
}
