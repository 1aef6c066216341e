internal import ArgumentParser
internal import CMSRShim
internal import Formatting
internal import PowerClient
internal import PowerProtocol
internal import SystemCalls

/// Prints readings of a running service.
struct ReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Print the present power of the CPU packages, as the running service measures it.",
    discussion: "With --count or --follow it ends early if the service ends or hangs.")

  @OptionGroup var service: ClientOptions

  @Flag(help: "Print the service's JSON lines unchanged.")
  var json = false

  @Option(parsing: .unconditional, help: ArgumentHelp("Print this many readings. Default 1.", valueName: "n"))
  var count: Int?

  @Flag(help: "Print readings until interrupted.")
  var follow = false

  func validate() throws {
    if follow && count != nil { throw ValidationError("--count and --follow cannot be used together.") }
    if let count, count < 1 { throw ValidationError("--count must be 1 or more.") }
  }

  func run() throws {
    var connection = try service.connect()
    var left = follow ? Int.max : count ?? 1
    while left > 0 {
      guard let received = try connection.nextLine(output: StandardOutput.reader) else {
        try StandardOutput.endUnread()
      }
      try StandardOutput.write((json ? received.text : Self.text(received.line)) + "\n")
      left -= 1
    }
  }

  /// "42.50 W", with a note if the reading is simulated or stale.
  private static func text(_ line: PowerLine) -> String {
    let watts = line.wattsText
    switch line.status {
    case .ok: return watts
    case .simulated: return watts + " (simulated)"
    case .stale:
      let age = Double(cmsr_realtime_nanoseconds() / 1_000_000 - line.unixMilliseconds) / 1000
      return watts + " (stale, \(Numbers.fixed(max(age, 0), places: 0)) s old)"
    }
  }
}
