internal import RAPL

/// The meaning of the cells of a row, from a table's header.
struct TurbostatColumns {
  /// turbostat's names for the watts of each domain.
  static let domains: [(name: Substring, domain: PowerDomain)] = [
    ("PkgWatt", .package), ("CorWatt", .core), ("GFXWatt", .uncore), ("RAMWatt", .dram), ("SysWatt", .psys),
  ]
  /// The column with the end of an interval.
  static let time: Substring = "Time_Of_Day_Seconds"
  /// A moment in 2255; nanoseconds from 2262 on do not fit 64 bits.
  private static let mostSeconds = 9.0e9
  /// The columns that identify a row. A machine with one package has no Package, one with one die no Die.
  static let places: [Substring] = ["Package", "Die", "CPU"]

  private static let names = Set(places + domains.map(\.name) + [time])

  private let columns: [Substring: Int]

  /// Reads a header.
  ///
  /// - Returns: nil if the line is not a header: no cell names a known column.
  init?(_ cells: [Substring]) {
    guard cells.contains(where: Self.names.contains) else { return nil }
    columns = Dictionary(cells.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Why tables with this header cannot be used; nil if they can.
  var flaw: TurbostatRejection? {
    if columns["PkgWatt"] == nil { return .noPackagePower }
    return columns["CPU"] == nil ? .noCPUColumn : nil
  }

  /// Whether CorWatt is counted for each core, as on AMD and Hygon.
  ///
  /// turbostat prints the columns of cores before those of packages, so the order tells. In such a table a row shows only its own
  /// core's watts, and the system row shows their sum. The die of a row has no counter: it is only the place of the row's core.
  /// Source: format_counters in turbostat.c.
  private var countsEachCore: Bool {
    guard let core = columns["CorWatt"], let package = columns["PkgWatt"] else { return false }
    return core < package
  }

  /// The kind of a row.
  enum Content: Equatable {
    /// The whole system's or a package's.
    case row(TurbostatTable.Row)
    /// That of a CPU that is not the first of its package: it shows no watts.
    case noWatts
    /// Not a row of turbostat, or one with impossible watts.
    case junk
  }

  /// Reads a row.
  func content(_ cells: [Substring]) -> Content {
    guard let cpu = cell("CPU", cells) else { return .junk }
    let package: PackageID?
    if cpu == "-" {
      package = nil
    } else {
      guard Int(cpu) != nil else { return .junk }
      guard let socket = number("Package", cells), let die = number("Die", cells) else { return .junk }
      package = PackageID(package: socket ?? 0, die: countsEachCore ? nil : die)
    }
    var watts: [PowerDomain: Double] = [:]
    for (name, domain) in Self.domains {
      if domain == .core && countsEachCore && package != nil { continue }
      guard let text = cell(name, cells), !text.isEmpty else { continue }
      // With many packages the sum may be many times a package's bound; it is compared with the packages.
      let most = package == nil ? .greatestFiniteMagnitude : TurbostatTable.most(domain)
      guard let value = Double(text), value >= 0, value <= most else {
        if domain == .package { return .junk }
        continue
      }
      watts[domain] = value
    }
    guard watts[.package] != nil else { return package == nil ? .junk : .noWatts }
    return .row(TurbostatTable.Row(package: package, watts: watts, endUnixNanoseconds: end(cells)))
  }

  private func cell(_ name: Substring, _ cells: [Substring]) -> Substring? {
    guard let index = columns[name], index < cells.count else { return nil }
    return cells[index]
  }

  /// A number; nil inside if the table has no such column, nil outside if the cell is not a number.
  private func number(_ name: Substring, _ cells: [Substring]) -> Int?? {
    guard columns[name] != nil else { return .some(nil) }
    guard let text = cell(name, cells), let number = Int(text), number >= 0 else { return nil }
    return number
  }

  /// The end of the interval by the time of day, in nanoseconds since 1970, from a row; nil if the row has none.
  func end(_ cells: [Substring]) -> Int64? {
    guard let text = cell(Self.time, cells), let seconds = Double(text), seconds > 0, seconds < Self.mostSeconds else {
      return nil
    }
    return Int64(clamping: (seconds * 1e6).rounded()) * 1000
  }
}
