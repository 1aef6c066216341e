internal import Formatting
internal import PowerProtocol

/// The page that explains the keys, the signs and the service.
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
    add("+ -", "a shorter time in more detail, or a longer one, up to a day (z: as -)")
    add("p", "pause, and go on; meanwhile nothing is lost")
    add("d", "the domains of each package, or packages only")
    add("?", "this page, and back")
    add("q", "quit (Ctrl-C as well)")
    lines.append(StyledLine())
    add(String(characters.levels.last ?? "#"), "the mean of what was measured in the time of a column")
    add(String(characters.peak), "up to the most of the samples in it")
    add(
      String(characters.asleep), "nobody was connected: the service slept, and knows one mean for each of its wakeups")
    add("(blank)", "nothing was measured")
    lines.append(StyledLine())
    for (name, text) in service(model) { add(name, text) }
    return Array(lines.prefix(max(size.rows, 0)))
  }

  private static func service(_ model: WatchModel) -> [(String, String)] {
    var lines: [(String, String)] = []
    if let info = model.info {
      lines.append(("service", "pkg-watt-stat \(info.version), source \(info.source)".printable))
      lines.append(("", info.description.printable))
      if let cpu = info.cpu { lines.append(("CPU", cpu.printable)) }
      let finest = "means over \(Numbers.duration(info.policy.shortestIntervalSeconds)) or more"
      lines.append(("you get", finest + (info.policy.isTrusted ? ", in full resolution: you are trusted" : "")))
    }
    if let sample = model.reading?.sample {
      let rejected = "\(sample.rejectedReadings) readings rejected as implausible"
      let cost = Numbers.fixed(sample.service.cpuSeconds, places: 2)
      lines.append(("since", "its start: \(rejected); the service itself took \(cost) s of CPU time"))
    }
    return lines
  }
}
