public import PowerProtocol
internal import RAPL

/// Whose energy it was: each window's, and since the beginning.
///
/// Energy is kept in whole microjoules. In each window, the idle part (idle watts times seconds, at most all) is set apart, and the
/// rest is split by CPU time with `apportion`. So the rows of a window always add up to its energy exactly, and the sums since the
/// beginning too. What a window was given is not changed by what is learnt later.
public struct EnergyLedger: Sendable {
  /// A row.
  public struct Entry: Sendable, Equatable {
    /// Energy in the latest window, in microjoules.
    public var windowMicrojoules: Int64 = 0
    /// Energy since the beginning, in microjoules.
    public var microjoules: Int64 = 0
    /// CPU time in the latest window, in microseconds.
    public var microseconds: Int64 = 0
  }

  /// The rows.
  public private(set) var entries: [RowID: Entry] = [:]
  /// What is known of the rows.
  public private(set) var about: [RowID: CPUUsage.About] = [:]
  /// The sum of all rows since the beginning, in microjoules.
  public private(set) var microjoules: Int64 = 0
  /// The length of all windows together, in seconds.
  public private(set) var seconds = 0.0
  /// The learnt idle power.
  public private(set) var idle: IdleEstimate
  /// Whether some energy was not counted.
  public private(set) var isLowerBound = false
  private var alignment = UsageAlignment()

  /// An empty ledger.
  ///
  /// - Parameter idle: what is known of idle power already.
  public init(idle: IdleEstimate = IdleEstimate()) { self.idle = idle }

  /// Takes in the power of the time before the first window.
  public mutating func learn(_ history: HistoryReport) {
    if let lowest = history.rows.map(\.leastWatts).min() { idle.remember(lowestWatts: lowest) }
  }

  /// Takes in a window.
  ///
  /// - Parameters:
  ///   - usage: the CPU time up to the reading that follows the window; nil if it is not known.
  ///   - cpus: how many CPUs are online.
  public mutating func add(_ window: EnergyWindow, _ usage: CPUUsage?, cpus: Int) {
    // Far from overflow: no real machine gets here.
    if microjoules > .max / 4 { self = EnergyLedger(idle: idle) }
    let times = usage.map { alignment.take($0, until: window.end) } ?? [:]
    if usage == nil { alignment.restart() }
    for row in entries.keys {
      entries[row]?.windowMicrojoules = 0
      entries[row]?.microseconds = 0
    }
    let whole = max(window.microjoules, 0)
    if usage != nil, window.seconds > 0 {
      let busy = times.values.reduce(0.0) { $0 + Double($1) } / 1e6 / window.seconds
      idle.add(
        watts: Double(whole) / 1e6 / window.seconds, seconds: window.seconds, busyCPUs: busy, cpus: cpus)
    }
    let idleJoules = (idle.power?.watts ?? 0) * window.seconds
    let idlePart = min(Int64(clamping: (idleJoules * 1e6).rounded()), whole)
    let rows = Array(times.keys)
    let parts = apportion(whole - idlePart, by: rows.map { times[$0] ?? 0 })
    give(idlePart, 0, to: .idle)
    if let parts {
      for (row, part) in zip(rows, parts) { give(part, times[row] ?? 0, to: row) }
    } else {
      give(whole - idlePart, 0, to: .notAttributed)
    }
    microjoules += whole
    seconds += window.seconds
    isLowerBound = isLowerBound || window.isLowerBound
    if let usage { settle(usage.live) }
  }

  /// Notes CPU time for which the service has no new reading: the next window has its energy.
  ///
  /// - Parameter usage: nil if it is not known.
  public mutating func wait(_ usage: CPUUsage?) {
    guard let usage else { return alignment.restart() }
    alignment.keep(usage)
    alignment.end(but: usage.live)
  }

  /// Notes time whose energy is not known: between two services, for example.
  public mutating func skip() { alignment.restart() }

  private mutating func give(_ energy: Int64, _ time: Int64, to row: RowID) {
    var entry = entries[row] ?? Entry()
    entry.windowMicrojoules += energy
    entry.microjoules += energy
    entry.microseconds = entry.microseconds > .max / 4 ? entry.microseconds : entry.microseconds + time
    entries[row] = entry
  }

  /// Gives the energy of rows that have ended to their heirs: all of it, so that the sums stay.
  private mutating func settle(_ live: [RowID: CPUUsage.About]) {
    let old = about
    about = live
    for row in entries.keys {
      guard row.canEnd, live[row] == nil, let entry = entries.removeValue(forKey: row) else { continue }
      let wanted = old[row]?.heir ?? .ended
      let heir = live[wanted] == nil ? .ended : wanted
      entries[heir, default: Entry()].windowMicrojoules += entry.windowMicrojoules
      entries[heir, default: Entry()].microjoules += entry.microjoules
      entries[heir, default: Entry()].microseconds += entry.microseconds
    }
  }
}
