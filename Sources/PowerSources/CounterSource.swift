internal import CMSRShim
internal import RAPL

/// Energy from counters of one kind: one for each package, and one for each further domain.
struct CounterSource: EnergySource {
  let isSimulated: Bool
  let cpu: String?
  let summary: String
  let longestIntervalSeconds: Double
  private var meters: [CounterMeter]
  private let packageCount: Int

  /// Makes sure that every package's counter moves.
  ///
  /// - Parameters:
  ///   - meters: the counters, in the order in which to read them; packages are read before all others.
  ///   - cpu: what the CPU says it is.
  ///   - summary: what is measured and how, given how many packages there are: "2 packages".
  init(
    _ meters: [CounterMeter], cpu: String?, isSimulated: Bool = false, summary: (_ packages: String) -> String
  ) throws(SourceError) {
    var packages = meters.filter { $0.domain == .package }
    for index in packages.indices { try packages[index].probe() }
    self.isSimulated = isSimulated
    self.cpu = cpu
    self.summary = summary(packages.count == 1 ? "1 package" : "\(packages.count) packages")
    longestIntervalSeconds = meters.map(\.longestCertainSeconds).min() ?? 0
    packageCount = packages.count
    self.meters = packages + meters.filter { $0.domain != .package }
  }

  mutating func read(domains: Bool) -> EnergySnapshot {
    let asleep = Self.asleepNanoseconds()
    var readings: [EnergyReading] = []
    readings.reserveCapacity(meters.count)
    for index in 0..<(domains ? meters.count : packageCount) {
      readings.append(meters[index].read(asleepNanoseconds: asleep))
    }
    let end = readings.last?.monotonicNanoseconds ?? 0
    let unix = cmsr_realtime_nanoseconds() - (cmsr_monotonic_nanoseconds() - end)
    return EnergySnapshot(readings: readings, unixNanoseconds: unix, asleepNanoseconds: asleep)
  }

  /// How long the machine has slept: boot time less monotonic time, from the closest of a few readings of both.
  private static func asleepNanoseconds() -> Int64 {
    var asleep: Int64 = 0
    var closest = Int64.max
    for _ in 0..<3 where closest > 1_000_000 {
      let before = cmsr_monotonic_nanoseconds()
      let boottime = cmsr_boottime_nanoseconds()
      let apart = cmsr_monotonic_nanoseconds() - before
      guard apart < closest else { continue }
      closest = apart
      asleep = boottime - before - apart / 2
    }
    return asleep
  }
}
