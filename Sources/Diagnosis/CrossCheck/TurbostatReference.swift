internal import RAPL
internal import Synchronization
internal import Turbostat

/// turbostat as the reference. Its windows are its own intervals.
public struct TurbostatReference: Reference {
  /// How much later than usual a package may be read, in nanoseconds. Restarting turbostat takes longer.
  private static let mostJitter: UInt64 = 100_000_000

  /// Its name.
  public let name = "turbostat"
  /// The options that it is given for this.
  public var options: [String] { turbostat.options }
  /// Its windows end whenever it reads.
  public let readsAsShown = true
  private let turbostat: Turbostat
  private let inbox = TurbostatInbox()
  private var run: TurbostatRun?
  private var ends: [PackageID: Int64] = [:]

  /// What it reads.
  public let reads: String

  /// A turbostat that is not running yet, and reads the registers if that can be had.
  public init(executable: String, intervalSeconds: Double) {
    let readsEvents = TurbostatExecutable.readsEvents(at: executable)
    let options = readsEvents == true ? [Turbostat.withoutEvents] : []
    self.init(
      Turbostat(executable: executable, intervalSeconds: intervalSeconds, options: options),
      reads: readsEvents.map { $0 ? "the registers (\(Turbostat.withoutEvents))" : "the registers" }
        ?? "the registers or the kernel's energy events, which is unknown because its --help does not tell")
  }

  init(_ turbostat: Turbostat, reads: String = "the registers") {
    self.turbostat = turbostat
    self.reads = reads
  }

  /// Starts it.
  public mutating func begin() {
    run = TurbostatRun(turbostat) { [inbox] event in inbox.take(event) }
  }

  /// The windows of the tables that have come since the last call.
  public mutating func windows() -> [ReferenceWindow] {
    inbox.empty().flatMap { windows(of: $0.table, $0.sample) }
  }

  /// The windows of a table that ended when its sample did.
  mutating func windows(of table: TurbostatTable, _ sample: PowerSample) -> [ReferenceWindow] {
    var windows: [ReferenceWindow] = []
    for row in table.packages {
      guard let id = row.package else { continue }
      // Packages are read one after the other. A time that is much earlier than the last one cannot be right.
      var before: Int64 = 0
      if let last = table.endUnixNanoseconds, let own = row.endUnixNanoseconds { before = last &- own }
      if !(0...sample.windowNanoseconds / 2).contains(before) { before = 0 }
      let end = sample.endMonotonicNanoseconds &- before
      defer { ends[id] = end }
      // If the interval before is missing or was not turbostat's, the start of this one is unknown.
      guard let start = ends[id], end > start,
        (end &- start &- sample.windowNanoseconds).magnitude <= Self.mostJitter
      else { continue }
      for (domain, watts) in row.watts {
        windows.append(ReferenceWindow(channel: DomainID(id, domain), start: start, end: end, watts: watts))
      }
    }
    return windows
  }

  /// Why nothing comes, if that is known.
  public var trouble: String? { inbox.trouble }

  /// Ends it, and waits for that.
  public func end() { run?.stop() }
}

/// Passes turbostat's tables from its thread to the one that compares.
final class TurbostatInbox: Sendable {
  /// A table, and the window that it is the mean of.
  typealias Arrival = (sample: PowerSample, table: TurbostatTable)

  private struct State {
    var arrivals: [Arrival] = []
    var trouble: String?
    var said: [String] = []
  }

  /// The most lines of turbostat's messages that are kept.
  private static let mostLines = 5

  private let state = Mutex(State())

  /// Why nothing comes, if that is known, and turbostat's own messages.
  var trouble: String? {
    state.withLock { state in
      state.trouble.map { $0 + (state.said.isEmpty ? "" : " turbostat says: \(state.said.joined(separator: " "))") }
    }
  }

  /// Takes out what has arrived.
  func empty() -> [Arrival] {
    state.withLock { state in
      defer { state.arrivals = [] }
      return state.arrivals
    }
  }

  /// Takes an event.
  func take(_ event: TurbostatEvent) {
    state.withLock { state in
      switch event {
      case .sample(let sample, let table): state.arrivals.append((sample, table))
      case .rejected(let reason): state.trouble = "\(reason)"
      // Each time it is started again it says the same.
      case .said(let line): if state.said.count < Self.mostLines, !state.said.contains(line) { state.said.append(line) }
      case .ended(let end, _, _): state.trouble = "\(end)"
      }
    }
  }
}
