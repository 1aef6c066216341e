public import Attribution
public import PowerProtocol

/// Puts samples of a service beside the CPU time on this machine. CPU time is read once for each sample, when it has arrived.
public struct TopMeter: ~Copyable {
  private var reader: ProcessReader
  private var usage: UsageMeter
  private var energy = EnergyCourse()
  /// Whose energy it was.
  public private(set) var ledger: EnergyLedger
  private let grouping: Grouping

  /// A meter for a grouping.
  ///
  /// - Parameter idle: what is known of idle power already.
  /// - Throws: if the CPU time cannot be read.
  public init(_ grouping: Grouping, idle: IdleEstimate = IdleEstimate(), root: String = "") throws(ProcessError) {
    reader = try ProcessReader(grouping, root: root)
    usage = UsageMeter(grouping)
    ledger = EnergyLedger(idle: idle)
    self.grouping = grouping
  }

  /// What one must know of what is missing in the rows, in one sentence; nil for nothing.
  public var note: String? {
    let notes = [cgroupNote, reader.cgroups.replacesStatistics ? Self.replacedStatistics : nil].compactMap(\.self)
    return notes.isEmpty ? nil : notes.joined(separator: " ")
  }

  private static let replacedStatistics =
    "A program such as lxcfs replaces /proc/stat here, so that it tells only of this container: its processes seem to draw what the "
    + "whole machine draws."

  private var cgroupNote: String? {
    switch reader.cgroups.kind {
    case .unified: nil
    // Each process has a row of its own, wherever it is.
    case .hybrid where grouping.needsProcesses: nil
    case .hybrid:
      "cgroup v2 is mounted beside version 1 here: units and containers that only version 1 knows have no rows of their own."
    case .missing: "cgroup v2 is not mounted here: processes that end within a window are in 'not attributed'."
    }
  }

  /// Takes in what the service remembers of the time before the first sample: idle power is learnt faster by it.
  public mutating func learn(_ history: HistoryReport) { ledger.learn(history) }

  /// Reads the CPU time up to now, which is shown in no row.
  ///
  /// - Throws: if it cannot be read.
  public mutating func begin() throws(ProcessError) { _ = usage.advance(try reader.read()) }

  /// The next sample comes by another connection, whose joules may have another beginning.
  public mutating func restart() {
    energy.restart()
    ledger.skip()
  }

  /// Takes a sample that has just arrived.
  ///
  /// - Returns: its window; nil for the first sample, a stale one, and one after which energy or the clock begins anew.
  public mutating func take(_ sample: SampleReport) throws(ProcessError) -> EnergyWindow? {
    let snapshot = try reader.read()
    let time = usage.advance(snapshot)
    guard let window = energy.advance(sample) else {
      if sample.status == .stale { ledger.wait(time) } else { ledger.skip() }
      return nil
    }
    ledger.add(window, time, cpus: snapshot.cpus)
    return window
  }
}
