internal import Formatting
internal import RAPL

/// Reads the output of any version of turbostat, and of programs that write between its lines.
///
/// A table is passed on as soon as it is complete. turbostat writes each table at once, so if a chunk of its output ends with a
/// table whose packages add up to its system row, it is complete. One that does not add up waits for the next chunk.
public struct TurbostatParser: Sendable {
  /// A result of some output.
  public enum Event: Sendable, Equatable {
    /// A table.
    case table(TurbostatTable)
    /// A table that cannot be used, and why; and when its interval ended by the time of day, in nanoseconds since 1970, if it has
    /// that.
    case rejected(TurbostatRejection, endUnixNanoseconds: Int64? = nil)
  }

  /// How much was not part of a table.
  public struct Tally: Sendable, Equatable {
    /// Empty lines.
    public var emptyLines = 0
    /// Lines that are not a row of a table, or a row with impossible watts.
    public var junkLines = 0
    /// Tables that could not be used.
    public var rejectedTables = 0
  }

  /// The longest line that is examined, in bytes; the lines of a table have some hundred.
  static let mostLineBytes = 16_384
  /// More rows than any machine has packages.
  static let mostPackages = 1024

  /// How much was ignored so far.
  public private(set) var tally = Tally()
  private var line: [UInt8] = []
  private var isLineTooLong = false
  private var columns: TurbostatColumns?
  private var system: TurbostatTable.Row?
  private var packages: [PackageID: TurbostatTable.Row] = [:]
  private var hasJunk = false
  /// The latest end in any line since the last table, even in a useless one.
  private var latestEnd: Int64?
  /// The packages of the last table: a table that lacks some at the end of a chunk may be incomplete.
  private var expectedPackages: Set<PackageID> = []

  /// A parser before the first byte.
  public init() {}

  /// Adds a chunk of output.
  public mutating func take(_ bytes: some Sequence<UInt8>) -> [Event] {
    var events: [Event] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        take(lineInto: &events)
      } else if line.count < Self.mostLineBytes {
        line.append(byte)
      } else {
        isLineTooLong = true
      }
    }
    if line.isEmpty, !hasJunk, expectedPackages.isSubset(of: packages.keys), let table, table.isConsistent {
      hand(.table(table), to: &events)
    }
    return events
  }

  private mutating func take(lineInto events: inout [Event]) {
    defer {
      line.removeAll(keepingCapacity: true)
      isLineTooLong = false
    }
    guard !isLineTooLong, let text = String(validating: line, as: UTF8.self) else { return junk() }
    let cells = text.split(separator: "\t", omittingEmptySubsequences: false).map(\.trimmed)
    if cells.allSatisfy(\.isEmpty) {
      tally.emptyLines += 1
    } else if let header = TurbostatColumns(cells) {
      finish(into: &events)
      columns = header
      if let flaw = header.flaw { hand(.rejected(flaw), to: &events) }
    } else if let columns {
      // What is wrong with the whole table was reported at its header.
      guard columns.flaw == nil else { return }
      take(columns.content(cells), into: &events)
      if let end = columns.end(cells) { latestEnd = max(end, latestEnd ?? end) }
    } else {
      junk()
    }
  }

  private mutating func take(_ content: TurbostatColumns.Content, into events: inout [Event]) {
    switch content {
    case .noWatts: return
    case .junk: junk()
    case .row(let row):
      guard let id = row.package else {
        finish(into: &events)
        system = row
        return
      }
      guard system != nil, packages[id] == nil, packages.count < Self.mostPackages else { return junk() }
      packages[id] = row
    }
  }

  private mutating func junk() {
    tally.junkLines += 1
    // After a header it may be the rest of a table.
    hasJunk = columns != nil && columns?.flaw == nil
  }

  private var table: TurbostatTable? {
    guard let system, !packages.isEmpty else { return nil }
    return TurbostatTable(system: system, packages: packages.sorted { $0.key < $1.key }.map(\.value))
  }

  /// Ends a table that was not complete before.
  private mutating func finish(into events: inout [Event]) {
    guard system != nil || hasJunk else { return }
    if system != nil, packages.isEmpty { return reject(.noPackages, to: &events) }
    guard !hasJunk, let table else { return reject(.junkRow, to: &events) }
    guard table.isConsistent else {
      return reject(.unequal(system: table.system.watts[.package] ?? 0, packages: table.watts), to: &events)
    }
    guard expectedPackages.isSubset(of: packages.keys) else {
      // If the next table lacks them too, they are gone.
      expectedPackages = Set(packages.keys)
      return reject(.lostPackage, to: &events)
    }
    hand(.table(table), to: &events)
  }

  private mutating func reject(_ reason: TurbostatRejection, to events: inout [Event]) {
    hand(.rejected(reason, endUnixNanoseconds: latestEnd), to: &events)
  }

  private mutating func hand(_ event: Event, to events: inout [Event]) {
    switch event {
    case .table: expectedPackages = Set(packages.keys)
    case .rejected: tally.rejectedTables += 1
    }
    events.append(event)
    system = nil
    packages = [:]
    hasJunk = false
    latestEnd = nil
  }
}

/// Why a table of turbostat cannot be used.
public enum TurbostatRejection: Sendable, Equatable {
  /// Without this column there is nothing to serve.
  case noPackagePower
  /// The machine's packages have several dies, each with a counter of its own, but only one is shown.
  case oneDie
  /// Without this column a package's row cannot be told from the system's.
  case noCPUColumn
  /// A system row without rows of packages.
  case noPackages
  /// One of its lines is not a row, or has impossible watts.
  case junkRow
  /// The system row is not the sum of the packages.
  case unequal(system: Double, packages: Double)
  /// A package of the table before is missing.
  case lostPackage
  /// Its window is unknown: it came just after another table and has no end, or the machine slept in it.
  case noWindow
}

extension TurbostatRejection {
  /// Whether the next tables will be no better.
  public var isLasting: Bool { self == .noPackagePower || self == .oneDie || self == .noCPUColumn }
}

extension TurbostatRejection: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .noPackagePower:
      "turbostat shows no package power (no column PkgWatt): this version does not know this CPU's energy registers, or they "
        + "cannot be read or read 0. Install the turbostat of a newer kernel; to examine the registers, run pkg-watt-stat doctor."
    case .oneDie:
      "turbostat reads only one die of each package, but this machine's packages have several, each with a counter of its own, so "
        + "the sum would be too low. Measure without --source turbostat."
    case .noCPUColumn: "turbostat's table has no column CPU, so its rows cannot be told apart."
    case .noPackages: "turbostat's table has no row for any package."
    case .junkRow: "turbostat's table has a line that is not a row, or has impossible watts."
    case .unequal(let system, let packages):
      "turbostat's system row shows \(system) W, but its packages add up to \(packages) W."
    case .lostPackage: "turbostat's table lacks a package that the table before had."
    case .noWindow:
      "The window of turbostat's table is unknown: it came just after another table, or the machine slept in between."
    }
  }
}
