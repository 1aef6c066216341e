internal import Formatting
internal import PowerProtocol

/// The page that explains the keys, the symbols and the service.
enum HelpPage {
  /// As many of its lines as fit.
  static func lines(_ model: WatchModel, size: ScreenSize, characters: GraphCharacters) -> [StyledLine] {
    var lines: [StyledLine] = []
    func add(_ name: String, _ text: String) {
      let room = size.columns - 9
      for (number, part) in Words.wrapped(text, width: room, most: 4).enumerated() {
        let label = number == 0 ? name : ""
        var line = StyledLine(Columns.left(label, 9), .strong)
        line.append(part)
        lines.append(line)
      }
    }
    add("+ -", "show a shorter or a longer time, up to a day (z: same as -)")
    add("p", "pause or continue; no reading is lost in a pause")
    add("d", "show or hide the domains of each package")
    add("?", "show or hide this page")
    add("q", "quit (also Ctrl-C)")
    lines.append(StyledLine())
    add(String(characters.levels.last ?? "#"), "the average over the time of a column")
    add(String(characters.peak), "up to the highest sample in it")
    add(
      String(characters.asleep), "no client was connected, so the service slept: only the average is known")
    add("(blank)", "nothing was measured")
    lines.append(StyledLine())
    if let info = model.info {
      add("service", "pkg-watt-stat \(info.version), source \(info.source)".printable)
      add("", info.description.printable)
      if let cpu = info.cpu { add("CPU", cpu.printable) }
      let finest = "averages over \(Numbers.duration(info.policy.shortestIntervalSeconds)) or more"
      add("access", info.policy.isTrusted ? "trusted: \(finest), in full resolution" : "everyone's: \(finest)")
    }
    if let sample = model.reading?.sample {
      add("rejected", "\(sample.rejectedReadings) implausible readings, since the service's start")
      let cost = Numbers.fixed(sample.service.cpuSeconds, places: 2)
      add("cost", "\(cost) s of CPU time for the service, since its start")
    }
    return Array(lines.prefix(max(size.rows, 0)))
  }
}
