public import PowerProtocol

/// One line that shows a reading and what came before it, as wide as there is room.
public enum WatchLine {
  /// The line for a pipe or a file: everything but the bar.
  public static func plain(_ line: PowerLine, _ history: History) -> String {
    ([now(line)] + statistics(history)).joined(separator: "  ")
  }

  /// The line for a terminal: the reading always, then as much of bar and statistics as fits into `columns`.
  public static func live(
    _ line: PowerLine, _ history: History, columns: Int, characters: HistoryBar.Characters
  ) -> String {
    // The last column stays free: a terminal may wrap once it is filled.
    let room = columns - 1
    let now = now(line)
    guard now.count <= room else { return String(now.prefix(max(room, 0))) }
    let statistics = statistics(history).joined(separator: "  ")
    let fits = now.count + 2 + statistics.count <= room
    let taken = now.count + (fits ? 2 + statistics.count : 0)
    let width = min(room - taken - 2, longestBar)
    let bar = width < shortestBar ? "" : HistoryBar.draw(history.latest, width: width, with: characters)
    return [now, bar, fits ? statistics : ""].filter { !$0.isEmpty }.joined(separator: "  ")
  }

  private static let shortestBar = 4
  private static let longestBar = 60

  private static func now(_ line: PowerLine) -> String {
    let watts = Numbers.fixed(line.watts, places: 1) + " W"
    return line.status == .ok ? watts : "\(watts) (\(line.status.rawValue))"
  }

  private static func statistics(_ history: History) -> [String] {
    guard !history.isEmpty else { return [] }
    return [("min", history.least), ("mean", history.mean), ("max", history.most)].map { name, watts in
      "\(name) \(Numbers.fixed(watts, places: 1))"
    }
  }
}
