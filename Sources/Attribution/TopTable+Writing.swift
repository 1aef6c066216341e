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
    case .idle:
      return idle.map { "idle: \(Self.fixed($0.watts)) W with nothing to do, ± \(Self.fixed($0.uncertainty)) W" }
        ?? name
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
        own.append(("watts_uncertainty", .optional(idle?.uncertainty)))
      }
      all.append((key, .object(own)))
    }
    return .object(all)
  }

  private static func fixed(_ hundredths: Int64) -> String { fixed(Double(hundredths) / step) }
  private static func fixed(_ number: Double) -> String { Numbers.fixed(number, places: 2) }
}
