public import Attribution
public import PowerProtocol

/// Who drew it, by unit, for a program that asks now and then: nothing is read in between, because energy and the cgroups' CPU time
/// are counted by others. A window is the time between two questions.
public struct UnitMeter: ~Copyable {
  private var meter: TopMeter
  private var last: SampleReport?
  /// The energy of each row.
  public private(set) var counters: UnitCounters

  /// A meter, with the CPU time read once.
  ///
  /// - Parameters:
  ///   - mostUnits: how many units have a row of their own.
  ///   - root: a folder that stands for /; empty for / itself.
  /// - Throws: if the CPU time cannot be read.
  public init(mostUnits: Int, root: String = "") throws(ProcessError) {
    var meter = try TopMeter(.unit, root: root)
    try meter.begin()
    self.meter = meter
    counters = UnitCounters(mostUnits: mostUnits)
  }

  /// What one must know of what is missing in the rows, in one sentence; nil for nothing.
  public var note: String? { meter.note }

  /// Whether there was no sample yet.
  public var isNew: Bool { last == nil }

  /// Takes in what the service remembers of the time before the first sample.
  public mutating func learn(_ history: HistoryReport) { meter.learn(history) }

  /// Takes a sample that has just arrived. One that came before, or is stale, changes nothing.
  public mutating func take(_ sample: SampleReport) throws(ProcessError) {
    guard sample.status != .stale, sample.monotonicSeconds != last?.monotonicSeconds else { return }
    let isOther = last.map { Self.isOtherService(sample, $0) } ?? false
    if isOther { meter.restart() }
    if let window = try meter.take(sample) {
      counters.take(meter.ledger, window)
    } else if let last {
      // Whoever adds up the packages' counters adds this too. Those of another service began at 0.
      counters.take(unattributedJoules: sample.joules - (isOther ? 0 : last.joules))
    }
    last = sample
  }

  /// Whether a service was restarted between two of its samples. Its joules alone may have grown beyond the old ones since.
  private static func isOtherService(_ sample: SampleReport, _ last: SampleReport) -> Bool {
    sample.joules < last.joules || sample.sequence < last.sequence
      || sample.service.cpuSeconds < last.service.cpuSeconds || sample.service.wakeups < last.service.wakeups
  }
}
