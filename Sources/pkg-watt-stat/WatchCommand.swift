internal import ArgumentParser
internal import CMSRShim
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import Terminal

/// A live line of a running service's readings.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Watch what the CPU packages draw: a live line with history, minimum, mean and maximum.",
    discussion: "In a pipe it prints one plain line for each reading. Ends on Ctrl-C.")

  @OptionGroup var service: ClientOptions

  func run() throws {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    // In a pipe the end of the reader, or Ctrl-C, simply ends it; a terminal line has to be finished first.
    let interrupt = isTerminal ? cmsr_interrupt_descriptor() : -1
    var connection = try service.connect(interrupt: interrupt)
    var history = History()
    let characters = HistoryBar.Characters(environment: Self.environment)
    while true {
      let line: PowerLine
      do {
        line = try connection.next().line
      } catch {
        if isTerminal && !history.isEmpty { print() }
        if error == .interrupted { return }
        throw error
      }
      // A stale line is an old reading again.
      if line.status != .stale { history.add(line.watts) }
      if isTerminal {
        let known = Int(cmsr_terminal_columns(STDOUT_FILENO))
        let text = WatchLine.live(line, history, columns: known > 0 ? known : 80, characters: characters)
        print("\r" + text + "\u{1B}[K", terminator: "")
      } else {
        print(WatchLine.plain(line, history))
      }
      fflush(nil)
    }
  }

  private static var environment: [String: String] {
    var values: [String: String] = [:]
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      if let value = unsafe getenv(name) { values[name] = unsafe String(cString: value) }
    }
    return values
  }
}
