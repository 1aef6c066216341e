internal import ArgumentParser
internal import CMSRShim
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import SystemCalls
internal import Terminal

/// A live view of a running service's readings.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Watch what the CPU packages draw: a full screen with graph, packages and domains.",
    discussion:
      "In a pipe, or on a terminal without a screen, it prints one plain line for each reading. Ends on q or Ctrl-C.")

  @OptionGroup var service: ClientOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "From reading to reading; the service's own interval without it. Everybody may ask for 0.25 or more.",
      valueName: "seconds"))
  var interval: Double?

  @Flag(help: "Print once what is drawn now, in plain lines for scripts, and end.")
  var once = false

  @Flag(help: "Draw with ASCII characters only.")
  var ascii = false

  func validate() throws {
    if let interval, !(interval > 0 && interval <= Request.longestIntervalSeconds) {
      throw ValidationError("--interval must be above 0 and at most 86400.")
    }
    if once && interval != nil { throw ValidationError("--once and --interval exclude each other.") }
  }

  func run() throws {
    if once { return try printOnce() }
    var abilities = TerminalAbilities(isTerminal: isatty(STDOUT_FILENO) == 1, environment: Self.environment)
    if ascii { abilities.characters = .ascii }
    if abilities.isScreen {
      var screen = WatchScreen(service: service, interval: interval, abilities: abilities)
      try screen.run()
    } else {
      try printLines()
    }
  }

  /// One line for each reading, until nobody reads them any more, or the service ends or hangs.
  private func printLines() throws {
    var connection = try service.connect()
    var lines = PlainLines()
    if let interval {
      // A line shows no domains, and on some machines they cost an interrupt for each core.
      let hasDomains = try !connection.info().serves("subscribe", member: "domains")
      _ = try connection.subscribe(intervalSeconds: interval, domains: hasDomains)
    }
    while let reading = try Self.next(&connection, isSubscribed: interval != nil) {
      try StandardOutput.write(lines.next(reading) + "\n")
    }
    try StandardOutput.endUnread()
  }

  /// - Returns: nil once nobody reads stdout any more.
  private static func next(_ connection: inout PowerConnection, isSubscribed: Bool) throws(ClientError) -> Reading? {
    let reader = StandardOutput.reader
    if isSubscribed { return try connection.nextSample(output: reader).map { Reading($0) } }
    return try connection.nextLine(output: reader).map { Reading($0.line) }
  }

  private func printOnce() throws {
    var connection = try service.connect()
    let line = try connection.next().line
    try StandardOutput.write(try Self.snapshot(&connection, line).map { $0 + "\n" }.joined())
  }

  private static func snapshot(_ connection: inout PowerConnection, _ line: PowerLine) throws(ClientError) -> [String] {
    do throws(ClientError) {
      // A service that slept has a sample only once it is awake, and its history then tells of the time asleep too.
      let sample = try connection.sample()
      return Snapshot.lines(sample, history: try connection.history(seconds: snapshotSeconds), now: now)
    } catch {
      guard case .refused(_, let refusal) = error, refusal.code == "unknown_request" else { throw error }
      return Snapshot.lines(line, now: now)
    }
  }

  private static let snapshotSeconds = 900

  /// Seconds since 1970.
  static var now: Double { Double(cmsr_realtime_nanoseconds()) / 1e9 }

  private static var environment: [String: String] {
    var values: [String: String] = [:]
    for name in TerminalAbilities.variables {
      if let value = unsafe getenv(name) { values[name] = unsafe String(cString: value) }
    }
    return values
  }
}
