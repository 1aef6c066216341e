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
    abstract: "Show the power of the CPU packages live: a full screen with a graph, packages and domains.",
    discussion:
      "In a pipe, or on a terminal without a screen, it prints one plain line for each reading. Press q or Ctrl-C to quit."
  )

  @OptionGroup var service: ClientOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds between readings. Default: the service's own interval. The minimum is 0.25, except for root and the trusted group.",
      valueName: "seconds"))
  var interval: Double?

  @Flag(
    help: """
      Print the present power once, one line for each package and domain, and exit. J count since the service's start.
      """)
  var once = false

  @Flag(help: "Draw with ASCII characters only.")
  var ascii = false

  func validate() throws {
    try ClientOptions.check(interval: interval)
    if once && interval != nil { throw ValidationError("--once and --interval cannot be used together.") }
  }

  func run() throws {
    if once { return try printOnce() }
    var abilities = TerminalAbilities(isTerminal: isatty(STDOUT_FILENO) == 1) { name in
      unsafe getenv(name).map { unsafe String(cString: $0) }
    }
    if ascii { abilities.characters = .ascii }
    if abilities.isScreen {
      var screen = WatchScreen(service: service.address, interval: interval, abilities: abilities)
      try screen.run()
    } else {
      try printLines()
    }
  }

  /// Prints one line for each reading, until the reader closes the pipe, or the service ends or hangs.
  private func printLines() throws {
    var connection = try service.address.connect()
    var lines = PlainLines()
    if let interval {
      // A line shows no domains, and on some machines they cost an interrupt for each core.
      let hasDomains = try !connection.info().serves("subscribe", member: "domains")
      _ = try connection.subscribe(intervalSeconds: interval, domains: hasDomains)
    }
    while let reading = try Self.next(&connection, isSubscribed: interval != nil) {
      try StandardOutput.write(lines.next(reading) + "\n")
    }
    StandardOutput.endUnread()
  }

  /// - Returns: nil once the reader of stdout is gone.
  private static func next(_ connection: inout PowerConnection, isSubscribed: Bool) throws(ClientError) -> Reading? {
    let reader = StandardOutput.reader
    if isSubscribed { return try connection.nextSample(output: reader).map { Reading($0) } }
    return try connection.nextLine(output: reader).map { Reading($0.line) }
  }

  private func printOnce() throws {
    var connection = try service.address.connect()
    let line = try connection.next().line
    try StandardOutput.write(try Self.snapshot(&connection, line).map { $0 + "\n" }.joined())
  }

  private static func snapshot(_ connection: inout PowerConnection, _ line: PowerLine) throws(ClientError) -> [String] {
    do throws(ClientError) {
      // A service that slept has a sample only once it is awake, and its history then tells of the time asleep too.
      let sample = try connection.sample()
      return WatchSnapshot.lines(sample, history: try connection.history(seconds: snapshotSeconds), now: now)
    } catch {
      guard case .refused(_, let refusal) = error, refusal.code == "unknown_request" else { throw error }
      return WatchSnapshot.lines(line, now: now)
    }
  }

  private static let snapshotSeconds = 900

  /// Seconds since 1970.
  private static var now: Double { Double(cmsr_realtime_nanoseconds()) / 1e9 }

}
