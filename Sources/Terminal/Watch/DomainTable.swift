internal import Formatting
internal import PowerProtocol
internal import RAPL

/// The table of packages and domains. Its labels keep readers from adding up numbers that must not be added.
struct DomainTable {
  /// A line of it.
  struct Entry: Equatable {
    /// "total", "package 0" or "core".
    var name: String
    /// Whether it belongs to the package above.
    var isDomain = false
    /// The mean; nil if it could not be read.
    var watts: Double?
    /// The energy since the service's start, in joules.
    var joules: Double
    /// Whether `joules` is a lower bound.
    var isLowerBound: Bool
    /// How it relates to the other lines.
    var note: String
  }

  private static let wattsWidth = 12
  private static let joulesWidth = 16
  /// The fewest lines of a table that is cut off.
  private static let fewestEntries = 3

  /// All lines, from the top.
  let entries: [Entry]

  /// Lines for a sample.
  init(_ sample: SampleReport, showsDomains: Bool) {
    let packages = sample.packages.sorted { $0.id < $1.id }
    var entries: [Entry] = []
    if packages.count > 1 {
      entries.append(
        Entry(
          name: "total", watts: sample.watts, joules: sample.joules, isLowerBound: sample.isLowerBound,
          note: "the sum of the \(packages.count) packages"))
    }
    for package in packages {
      entries.append(
        Entry(
          name: "\(package.id)", watts: package.watts, joules: package.joules, isLowerBound: package.isLowerBound,
          note: ""))
      guard showsDomains else { continue }
      for domain in PowerDomain.allCases {
        guard let drawn = package.domains[domain] else { continue }
        entries.append(
          Entry(
            name: "\(domain)", isDomain: true, watts: drawn.watts, joules: drawn.joules,
            isLowerBound: drawn.isLowerBound, note: Self.note(domain, of: package.id)))
      }
    }
    self.entries = entries
  }

  /// How a domain relates to its package.
  static func note(_ domain: PowerDomain, of package: PackageID) -> String {
    switch domain {
    case .package: ""
    case .core, .uncore: "part of \(package)"
    case .dram: "memory: not part of the package"
    case .psys: "the whole platform: not in the total"
    }
  }

  /// The table with its heading, in at most this many lines; empty if it does not fit.
  func lines(width: Int, most: Int) -> [StyledLine] {
    guard most >= 2, !entries.isEmpty else { return [] }
    var shown = entries
    if shown.count + 1 > most {
      shown = Array(shown.prefix(most - 2))
      guard shown.count >= Self.fewestEntries else { return [] }
    }
    let left = entries.count - shown.count
    let names = (shown.map(Self.label).map(\.count).max() ?? 0) + 2
    guard names + Self.wattsWidth <= width else { return [] }
    let wide = names + Self.wattsWidth + Self.joulesWidth
    var heading = Columns.left("", names) + Columns.right("now", Self.wattsWidth)
    if wide <= width {
      heading += Columns.right("since start", Self.joulesWidth)
      let bound = "   >= at least: not all was counted"
      if shown.contains(where: \.isLowerBound), wide + bound.count <= width { heading += bound }
    }
    var lines = [StyledLine(heading, .faint)]
    for entry in shown {
      var line = StyledLine(
        Columns.left(Self.label(entry), names)
          + Columns.right(entry.watts.map(Numbers.watts) ?? "unread", Self.wattsWidth))
      if wide <= width {
        line.append(Columns.right((entry.isLowerBound ? ">= " : "") + Numbers.joules(entry.joules), Self.joulesWidth))
        if !entry.note.isEmpty, wide + 3 + entry.note.count <= width { line.append("   \(entry.note)", .faint) }
      }
      lines.append(line)
    }
    if left > 0 { lines.append(StyledLine(Words.first(of: ["and \(left) more"], fitting: width), .faint)) }
    return lines.filter { $0.columns <= width }
  }

  private static func label(_ entry: Entry) -> String { (entry.isDomain ? "  " : "") + entry.name }
}
