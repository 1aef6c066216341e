internal import Formatting
public import PowerProtocol
internal import RAPL

/// The present power as plain lines for people and scripts. Each line begins with one word that names it.
public enum WatchSnapshot {
  /// The lines of version 2.
  ///
  /// - Parameters:
  ///   - history: the latest history.
  ///   - now: seconds since 1970.
  public static func lines(_ sample: SampleReport, history: HistoryReport, now: Double) -> [String] {
    let note = "the sum of the packages, mean of \(Numbers.duration(sample.windowSeconds)); J since the service's start"
    var rows = [["total", watts(sample.watts), joules(sample.joules, sample.isLowerBound), note]]
    for (package, domain, drawn) in sample.parts {
      let name = "\(package)".replacing(" ", with: "-") + (domain == .package ? "" : "/\(domain.rawValue)")
      rows.append([
        name, drawn.watts.map(watts) ?? "- W", joules(drawn.joules, drawn.isLowerBound),
        DomainTable.note(domain, of: package),
      ])
    }
    // The notes are not aligned, so that no line ends in spaces.
    let columns = Columns.aligned(rows.map { Array($0.prefix(3)) })
    var lines = zip(columns, rows).map { numbers, row in row[3].isEmpty ? numbers : "\(numbers)  \(row[3])" }
    if let span = GraphSpan(history.rows) {
      lines.append(
        "history  min \(watts(span.leastWatts))  mean \(watts(span.meanWatts))  max \(watts(span.mostWatts))  "
          + "\(Numbers.fixed(span.joules, places: 2)) J  in \(Numbers.plain(span.measuredSeconds, places: 2)) s"
          + (span.hasAsleep ? " (min and max are of averages while the service slept)" : ""))
    }
    return lines + [status(Reading(sample), now: now)]
  }

  /// The lines of version 1.
  public static func lines(_ line: PowerLine, now: Double) -> [String] {
    ["total  \(watts(line.watts))", status(Reading(line), now: now)]
  }

  private static func status(_ reading: Reading, now: Double) -> String {
    let age = reading.status == .stale ? ", \(Numbers.fixed(max(now - reading.unixSeconds, 0), places: 0)) s old" : ""
    let reason = reading.sample?.reason.map { ": " + $0.printable } ?? ""
    return "status  \(reading.status.rawValue)\(age)\(reason)"
  }

  private static func watts(_ watts: Double) -> String { Numbers.fixed(watts, places: 2) + " W" }

  private static func joules(_ joules: Double, _ isLowerBound: Bool) -> String {
    (isLowerBound ? ">= " : "") + Numbers.fixed(joules, places: 2) + " J"
  }
}
