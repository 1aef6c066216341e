public import ArgumentParser
public import Attribution
internal import Formatting
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import Processes
internal import SystemCalls
internal import Terminal

/// Shows who draws the power.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show who draws the power of the CPU packages: processes, units, containers or users.",
    discussion: """
      It fills the screen; in a pipe it prints a table for each window of the service. Press q or Ctrl-C to quit, ? for its keys. \
      Who drew what is an estimate by CPU time: no CPU counts the energy of a program. The rows, with those for idle power, for \
      hidden processes and for what belongs to nobody, add up to the watts of the packages. Joules count since the start of top.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds between tables. Default: the service's own interval. The minimum is 0.25, except for root and the trusted group.",
      valueName: "seconds"))
  var interval: Double?

  @Option(
    help: ArgumentHelp(
      "What a row is: \(Grouping.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "rows"))
  var by = Grouping.process

  @Option(
    help: ArgumentHelp(
      "What to sort by: \(TopTable.Order.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "column"))
  var sort = TopTable.Order.watts

  @Flag(help: "Print one table and exit. It takes two readings of the service.")
  var once = false

  @Flag(help: "Print tables until interrupted, as in a pipe.")
  var follow = false

  @Flag(help: "Print one JSON object instead of a table; with --follow, one on each line.")
  var json = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Show only this process. May be given several times. The others become one row.", valueName: "number"))
  var pid: [Int] = []

  @Option(
    help: ArgumentHelp(
      "Show only rows of this unit, such as nginx.service. May be given several times. The others become one row.",
      valueName: "name"))
  var unit: [String] = []

  @Flag(help: "Draw with ASCII characters only.")
  var ascii = false

  func validate() throws {
    try ClientOptions.check(interval: interval)
    if once && follow { throw ValidationError("--once and --follow cannot be used together.") }
    if !pid.isEmpty && by != .process { throw ValidationError("--pid needs --by process.") }
    if !unit.isEmpty && by == .user { throw ValidationError("--unit cannot be used with --by user.") }
    if let wrong = pid.first(where: { $0 < 1 }) { throw ValidationError("--pid cannot be \(wrong).") }
  }

  func run() throws {
    if !json && !once && !follow {
      var abilities = TerminalAbilities(isTerminal: isatty(STDOUT_FILENO) == 1) { name in
        unsafe getenv(name).map { unsafe String(cString: $0) }
      }
      if ascii { abilities.characters = .ascii }
      if abilities.isScreen {
        var screen = try TopScreen(
          service: service.address, interval: interval, by: by, sort: sort, only: selection, abilities: abilities)
        return try screen.run()
      }
    }
    try printTables()
  }

  private var selection: TopSelection { TopSelection(pids: pid, units: unit) }

  private func printTables() throws {
    var meter = try TopMeter(by)
    var connection = try service.address.connect()
    if let history = try connection.beginTop(intervalSeconds: interval).history { meter.learn(history) }
    if let note = meter.note { StandardError.complain("Note: \(note)") }
    let isSingle = once || (json && !follow)
    var names = UserNameCache()
    var (isFirst, isStale) = (true, false)
    while let sample = try connection.nextSample(output: StandardOutput.reader) {
      let window = try meter.take(sample)
      if sample.status == .stale {
        let why = "The service has no new reading\(sample.reason.map { ": \($0.printable)" } ?? ".")"
        if isSingle { throw TopError(why) }
        if !isStale { StandardError.complain("Warning: \(why)") }
      }
      isStale = sample.status == .stale
      guard let window else { continue }
      var table = TopTable(meter.ledger, window, by: sort) { names.name(of: $0) }
      try select(&table, mustExist: isFirst)
      let status = sample.status.rawValue
      let text =
        json
        ? table.json(status: status).text
        : table.lines(status: sample.status == .ok ? nil : status).joined(separator: "\n")
      try StandardOutput.write((isFirst || json ? "" : "\n") + text + "\n")
      isFirst = false
      if isSingle { return }
    }
    StandardOutput.endUnread()
  }

  /// Shows only what was asked for.
  private func select(_ table: inout TopTable, mustExist: Bool) throws {
    guard !selection.isEmpty else {
      table.leaveOutZeros()
      return
    }
    table.keep(where: selection.contains)
    guard mustExist else { return }
    for number in pid where !table.rows.contains(where: { $0.pid == number }) {
      throw TopError("No process with the number \(number) can be seen. To list processes: pkg-watt-stat top --once")
    }
    if let name = selection.missingUnits(in: table.rows).first {
      throw TopError(
        by == .container
          ? "No container is named \(name). To list containers: pkg-watt-stat top --once --by container; for a systemd unit use --by unit."
          : "Nothing runs in a unit named \(name). To list units: pkg-watt-stat top --once --by unit")
    }
  }
}

/// Why there is no table.
private struct TopError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

// What is typed is the raw value.
extension Grouping: ExpressibleByArgument {}
extension TopTable.Order: ExpressibleByArgument {}
