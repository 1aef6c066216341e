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
    var drawn: SampleReport.Domain
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
    var entries = sample.parts.filter { showsDomains || $0.domain == .package }.map { package, domain, drawn in
      domain == .package
        ? Entry(name: "\(package)", drawn: drawn, note: "")
        : Entry(name: "\(domain)", isDomain: true, drawn: drawn, note: Self.note(domain, of: package))
    }
    if sample.packages.count > 1 {
      entries.insert(
        Entry(name: "total", drawn: sample.total, note: "the sum of the \(sample.packages.count) packages"), at: 0)
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
      if shown.contains(where: \.drawn.isLowerBound), wide + bound.count <= width { heading += bound }
    }
    var lines = [StyledLine(heading, .faint)]
    for entry in shown {
      var line = StyledLine(
        Columns.left(Self.label(entry), names)
          + Columns.right(entry.drawn.watts.map(Numbers.watts) ?? "unread", Self.wattsWidth))
      if wide <= width {
        line.append(
          Columns.right((entry.drawn.isLowerBound ? ">= " : "") + Numbers.joules(entry.drawn.joules), Self.joulesWidth))
        if !entry.note.isEmpty, wide + 3 + entry.note.count <= width { line.append("   \(entry.note)", .faint) }
      }
      lines.append(line)
    }
    if left > 0 { lines.append(StyledLine(Words.first(of: ["and \(left) more"], fitting: width), .faint)) }
    return lines.filter { $0.columns <= width }
  }

  private static func label(_ entry: Entry) -> String { (entry.isDomain ? "  " : "") + entry.name }
}
