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
    abstract: "Measure the power of the CPU packages, in watts, and serve it to every program without root.",
    discussion: """
      The default subcommand is serve. Exit codes: 0 success, 1 failure (stderr says why), 64 wrong usage.
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
      end(ValidationError("The argument '\(word)' is not valid UTF-8; use a path that is."))
    }
    var isService = false
    do {
      try checkCommand(Array(CommandLine.arguments.dropFirst()))
      var command = try parseAsRoot()
      isService = command is ServeCommand || command is ExporterCommand
      try command.run()
    } catch {
      end(error, isService: isService)
    }
  }

  /// Makes sure that what looks like a command is one, and comes before the options.
  ///
  /// Otherwise the default command, serve, would reject it as an unexpected argument.
  private static func checkCommand(_ arguments: [String]) throws {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let first = arguments.first else { return }
    let word = first == "help" ? arguments.dropFirst().first : first
    if let word, !word.hasPrefix("-") {
      guard names.contains(word) || word == "help" else {
        let meant = names.first { $0.isMisspelt(as: word) }.map { " Did you mean '\($0)'?" } ?? ""
        throw UsageError("Unknown command '\(word)'. The commands are \(names.joined(separator: ", ")).\(meant)")
      }
      return
    }
    // "--socket read" serves at a socket of that name, and "--socket x -- read" has no command either.
    let own = arguments.prefix { $0 != "--" }
    guard first.hasPrefix("-"), (try? parseAsRoot(Array(own))) == nil,
      let index = own.dropFirst().firstIndex(where: { names.contains($0) })
    else { return }
    let options = own[..<index].joined(separator: " ")
    throw UsageError(
      "Put the command before its options: pkg-watt-stat \(own[index]) \(options). To list its options: pkg-watt-stat help "
        + "\(own[index])")
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
        StandardError.complain(message, waits: !isService)
      }
      exit(withError: code)
    } catch {
      StandardError.say("Error: \(error)")
      exit(withError: ExitCode.failure)
    }
  }

  /// The first argument that is not valid UTF-8: repaired, a path would name another file. The words after -- are a command
  /// for `run`, which gets them byte for byte.
  private static func argumentThatIsNotUTF8() -> String? {
    for index in 1..<max(Int(CommandLine.argc), 1) {
      guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
      guard let text = unsafe String(validatingCString: word) else { return unsafe String(cString: word) }
      if text == "--" { return nil }
    }
    return nil
  }
}

extension String {
  /// Whether another word is this one with one letter wrong, missing or added, or two swapped.
  fileprivate func isMisspelt(as other: String) -> Bool {
    var (ours, theirs) = (Array(self)[...], Array(other)[...])
    while let first = ours.first, first == theirs.first { (ours, theirs) = (ours.dropFirst(), theirs.dropFirst()) }
    while let last = ours.last, last == theirs.last { (ours, theirs) = (ours.dropLast(), theirs.dropLast()) }
    return max(ours.count, theirs.count) <= 1 || (ours.count == 2 && Array(ours.reversed()) == Array(theirs))
  }
}

/// stdin, stdout or stderr is closed, and /dev/null cannot be opened in its place.
struct ClosedDescriptorError: Error, CustomStringConvertible {
  let errno: Int32

  var description: String {
    "stdin, stdout or stderr is closed, and /dev/null cannot be opened in its place: \(errorText(errno)). Start the program "
      + "with all three open."
  }
}
