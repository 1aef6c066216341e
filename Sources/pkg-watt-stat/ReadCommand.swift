internal import ArgumentParser
internal import CMSRShim
internal import PowerClient
internal import SystemCalls
internal import Terminal

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
    var connection = try service.address.connect()
    var left = follow ? Int.max : count ?? 1
    while left > 0 {
      guard let received = try connection.nextLine(output: StandardOutput.reader) else {
        StandardOutput.endUnread()
      }
      let now = cmsr_realtime_nanoseconds() / 1_000_000
      let text = json ? received.text : PlainLines.text(received.line, unixMilliseconds: now)
      try StandardOutput.write(text + "\n")
      left -= 1
    }
  }
}
