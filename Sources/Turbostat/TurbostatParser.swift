internal import RAPL

/// Reads what turbostat prints, whatever its version prints, and whatever else comes with it.
///
/// A table is handed on as soon as it is whole: turbostat writes each at once, so where a chunk of its output ends with a
/// table whose packages add up to its system row, that is all of it. One that does not add up waits for what follows it.
public struct TurbostatParser: Sendable {
  /// What came of some output.
  public enum Event: Sendable, Equatable {
    /// A table.
    case table(TurbostatTable)
    /// A table that cannot be used, and why; and when its interval ended by the time of day, in nanoseconds since 1970, if
    /// it says so.
    case rejected(TurbostatRejection, endUnixNanoseconds: Int64? = nil)
  }

  /// How much was no part of a table.
  public struct Tally: Sendable, Equatable {
    /// Lines with nothing in them.
    public var emptyLines = 0
    /// Lines that are no row of a table, or a row with watts that cannot be.
    public var junkLines = 0
    /// Tables that could not be used.
    public var rejectedTables = 0
  }

  /// The longest line that is looked at, in bytes; a table's lines have some hundred.
  static let mostLineBytes = 16_384
  /// More rows than any machine has packages.
  static let mostPackages = 1024

  /// What was left out so far.
  public private(set) var tally = Tally()
  private var line: [UInt8] = []
  private var isLineTooLong = false
  private var columns: TurbostatColumns?
  private var system: TurbostatTable.Row?
  private var packages: [PackageID: TurbostatTable.Row] = [:]
  private var hasJunk = false
  /// The latest end that any line since the last table says, of whatever worth the line is.
  private var latestEnd: Int64?
  /// The packages of the last table: one that lacks some by the end of a chunk may not be whole yet.
  private var expectedPackages: Set<PackageID> = []

  /// A parser before the first byte.
  public init() {}

  /// Takes in a chunk of output as it was read.
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
      // What is wrong with the whole table was said at its header.
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
    // Below a header it may be what is left of a table.
    hasJunk = columns != nil && columns?.flaw == nil
  }

  private var table: TurbostatTable? {
    guard let system, !packages.isEmpty else { return nil }
    return TurbostatTable(system: system, packages: packages.sorted { $0.key < $1.key }.map(\.value))
  }

  /// The end of a table that was not whole before.
  private mutating func finish(into events: inout [Event]) {
    guard system != nil || hasJunk else { return }
    if system != nil, packages.isEmpty { return reject(.noPackages, to: &events) }
    guard !hasJunk, let table else { return reject(.junkRow, to: &events) }
    guard table.isConsistent else {
      return reject(.unequal(system: table.system.watts[.package] ?? 0, packages: table.watts), to: &events)
    }
    guard expectedPackages.isSubset(of: packages.keys) else {
      // If the next one lacks them too, they are gone.
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

/// Why a table of turbostat's cannot be used.
public enum TurbostatRejection: Sendable, Equatable {
  /// Without this column there is nothing to serve.
  case noPackagePower
  /// The machine's packages have several dies, each with a counter of its own, and only one is shown.
  case oneDie
  /// Without this column nothing tells a package's row from the system's.
  case noCPUColumn
  /// A system row without any package's.
  case noPackages
  /// A line among its rows is none, or says watts that cannot be.
  case junkRow
  /// The system row is not the sum of the packages.
  case unequal(system: Double, packages: Double)
  /// It lacks a package that the table before had.
  case lostPackage
  /// Nobody can say over which time its watts are a mean: it came right behind another without saying when its interval
  /// ended, or the machine slept in it.
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
      "turbostat shows no package power (no column PkgWatt): this version does not know the energy registers of this CPU, or "
        + "they cannot be read or read 0. Install the turbostat of a newer kernel; pkg-watt-stat doctor says what the registers do."
    case .oneDie:
      "turbostat reads one die of each package, and this machine's packages have several, each with a counter of its own: the sum "
        + "would lack the others. Measure without --source turbostat."
    case .noCPUColumn: "turbostat's table has no column CPU, so its rows cannot be told apart."
    case .noPackages: "turbostat's table has no row for any package."
    case .junkRow: "turbostat's table has a line that is no row, or that says impossible watts."
    case .unequal(let system, let packages):
      "turbostat's system row says \(system) W, but its packages add up to \(packages) W."
    case .lostPackage: "turbostat's table lacks a package that the one before had."
    case .noWindow:
      "turbostat's table belongs to no window: it came right behind another, or the machine slept meanwhile."
    }
  }
}
