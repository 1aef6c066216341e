public import Formatting

extension TopTable {
  /// The steps in which watts and joules are printed: 10 mW and 10 mJ.
  private static let step = 100.0

  /// The table as plain lines for people. The last column is the name, because names have any length.
  ///
  /// - Parameter status: what one must know of the service's readings: "simulated", for example; nil for nothing.
  public func lines(status: String?) -> [String] {
    let mark = status.map { " (\($0))" } ?? ""
    let length = Numbers.duration(window.seconds)
    let heading =
      "\(Self.fixed(centiwatts)) W\(mark) drawn by the CPU packages, mean of \(length). Who drew it is an estimate by CPU time."
    let total = total
    let shown = rows + others + [total]
    let columns = Columns.aligned([[""] + Self.headings] + shown.map { [""] + cells($0, isTotal: $0 == total) })
    let names = ["name"] + shown.map(description)
    return [heading] + zip(columns, names).map { "\($0.dropFirst(2))  \($1)" }
  }

  /// The headings of a row's numbers.
  public static let headings = ["watts", "joules", "CPU"]

  /// A row's numbers as they are printed, in the order of the headings.
  public func cells(_ row: Row, isTotal: Bool = false) -> [String] {
    [Self.fixed(row.centiwatts), (isLowerBound && isTotal ? ">= " : "") + Self.fixed(row.centijoules), cpu(row)]
  }

  /// A row's name as it is printed: with its process number and unit, and with a note about what it means.
  public func description(_ row: Row) -> String {
    let name = row.name.harmless
    switch row.id {
    case .process(let pid, _): return "\(name) (\(pid))" + (row.unit.map { "  \($0.harmless)" } ?? "")
    case .idle: return "\(name): " + (idle.map(Self.description) ?? "not known yet")
    case .hidden: return "hidden: processes that this user cannot see"
    case .notAttributed: return "not attributed: interrupts, and whatever else is in no row"
    case .ended: return "ended: rows of earlier windows"
    default: return name
    }
  }

  /// CPU time of a row for each second, in percent of one CPU.
  public func cpu(_ row: Row) -> String {
    row.id == .idle ? "-" : Numbers.fixed(row.cpuSeconds / window.seconds * 100, places: 1) + " %"
  }

  /// The table as one JSON object.
  ///
  /// - Parameter status: the status of the service's sample.
  public func json(status: String) -> JSON {
    func members(_ row: Row) -> [(String, JSON)] {
      [
        ("watts", .number(Double(row.centiwatts) / Self.step)),
        ("joules", .number(Double(row.centijoules) / Self.step)), ("cpu_seconds", .number(row.cpuSeconds)),
      ]
    }
    let list = rows.map { row in
      var all: [(String, JSON)] = [("name", .string(row.name))]
      if let pid = row.pid { all.append(("pid", .integer(pid))) }
      if let unit = row.unit { all.append(("unit", .string(unit))) }
      return JSON.object(all + members(row))
    }
    var all: [(String, JSON)] = [
      ("timestamp", .number((window.unixSeconds * 1000).rounded() / 1000)), ("window_seconds", .number(window.seconds)),
      ("watts", .number(Double(centiwatts) / Self.step)), ("joules", .number(Double(centijoules) / Self.step)),
      ("lower_bound", .boolean(isLowerBound)), ("seconds", .number(seconds)), ("status", .string(status)),
      ("estimated_by", .string("cpu time")), ("rows", .array(list)),
    ]
    for row in others {
      let key =
        switch row.id {
        case .idle: "idle"
        case .hidden: "hidden"
        case .notAttributed: "not_attributed"
        case .ended: "ended"
        default: "other_rows"
        }
      var own = members(row)
      if row.id == .idle {
        own.removeLast()
        own.append(("watts_at_least", .optional(idle.map { Self.outward($0.leastWatts, .down) })))
        own.append(("watts_at_most", .optional(idle.map { Self.outward($0.mostWatts, .up) })))
        own.append(("guess", .boolean(idle?.isGuess ?? true)))
      }
      all.append((key, .object(own)))
    }
    return .object(all)
  }

  /// What is sure of idle power. The row itself has the estimate.
  private static func description(_ idle: IdleEstimate.Power) -> String {
    let most = fixed(outward(idle.mostWatts, .up))
    if idle.isGuess { return "not known yet (a guess), at most \(most) W" }
    let least = fixed(outward(idle.leastWatts, .down))
    return (idle.leastWatts > 0 ? "\(least) to \(most) W" : "at most \(most) W") + " with nothing to do"
  }

  /// A bound in steps of 10 mW, rounded so that it holds.
  private static func outward(_ watts: Double, _ rule: FloatingPointRoundingRule) -> Double {
    // What is a step but for the arithmetic stays.
    let steps = watts * step
    return (abs(steps - steps.rounded()) < 1e-6 ? steps.rounded() : steps.rounded(rule)) / step
  }

  private static func fixed(_ hundredths: Int64) -> String { fixed(Double(hundredths) / step) }
  private static func fixed(_ number: Double) -> String { Numbers.fixed(number, places: 2) }
}
