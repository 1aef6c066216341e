internal import CMSRShim
internal import RAPL

/// Energy from counters of one kind: one for each package, and one for each further domain.
struct CounterSource: EnergySource {
  /// A reading that was set aside is settled by another so soon.
  private static let doubtSeconds = 0.25

  /// How often all is read again because the machine slept meanwhile.
  private static let mostTries = 3

  /// A replayed machine's energy is not this one's, nor of now: nobody may take it for measured.
  var isSimulated: Bool
  let cpu: String?
  let summary: String
  private(set) var longestIntervalSeconds: Double
  private var meters: [CounterMeter]
  /// Of each package the sum of its cores' counters, if each core has its own.
  private var cores: [CoreSumMeter]
  /// How many packages are read.
  let packageCount: Int
  private let log: SourceLog
  /// Nanoseconds of a clock that goes on while the machine sleeps.
  private let boottime: @Sendable () -> Int64

  /// Makes sure that every package's counter moves, and leaves a platform's out that does not.
  ///
  /// - Parameters:
  ///   - meters: the counters, in the order in which to read them; packages are read before all others.
  ///   - cores: sums of the cores of these packages; read last, and only if domains are asked for.
  ///   - cpu: what the CPU says it is.
  ///   - log: told what there is to know of the counters.
  ///   - boottime: nanoseconds of a clock that goes on while the machine sleeps.
  ///   - summary: what is measured and how, given how many packages there are: "2 packages".
  init(
    _ meters: [CounterMeter], cores: [CoreSumMeter] = [], cpu: String?, isSimulated: Bool = false,
    log: @escaping SourceLog = { _ in },
    boottime: @escaping @Sendable () -> Int64 = { cmsr_boottime_nanoseconds() },
    summary: (_ packages: String) -> String
  ) throws(SourceError) {
    var packages = meters.filter { $0.domain == .package }
    for index in packages.indices { try packages[index].probe() }
    let repeated = try Self.leaveOutRepeated(&packages, log)
    var others: [CounterMeter] = []
    for var meter in meters where meter.domain != .package && !repeated.contains(meter.package) {
      if meter.domain == .psys, !meter.moves() {
        log("The psys counter of \(meter.package) does not move, so it is left out.")
      } else {
        others.append(meter)
      }
    }
    self.isSimulated = isSimulated
    self.cpu = cpu
    self.summary = summary(packages.count == 1 ? "1 package" : "\(packages.count) packages")
    packageCount = packages.count
    self.meters = packages + others
    // Nobody knows whose cores those of a package are that shares its counter.
    self.cores = repeated.isEmpty ? cores : []
    longestIntervalSeconds = self.meters.map(\.longestCertainSeconds).min() ?? 0
    self.log = log
    self.boottime = boottime
  }

  /// What it reads, cores apart.
  var counters: [CounterMeter] { meters }

  var longestCoreIntervalSeconds: Double? { cores.map(\.longestCertainSeconds).min() }

  mutating func read(domains: Bool) -> EnergySnapshot {
    let count = domains ? meters.count : packageCount
    var tries = 0
    while true {
      tries += 1
      let (asleep, now) = clocks()
      var readings: [EnergyReading] = []
      readings.reserveCapacity(count + (domains ? cores.count : 0))
      var hasChanged = false
      for index in 0..<count {
        readings.append(meters[index].read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged))
      }
      if domains {
        for index in cores.indices {
          readings.append(cores[index].read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged))
        }
      }
      if hasChanged { adapt() }
      let boottime = boottime()
      let monotonic = cmsr_monotonic_nanoseconds()
      // Of a machine that slept meanwhile nobody knows what was read before it, and what after it.
      if boottime - monotonic - asleep > PowerMeter.shortestSleepNanoseconds && tries < Self.mostTries { continue }
      // The packages' time: a domain may have been lost long ago.
      let end = packageCount > 0 ? readings[packageCount - 1].monotonicNanoseconds : 0
      return EnergySnapshot(
        readings: readings, unixNanoseconds: cmsr_realtime_nanoseconds() - (monotonic - end), asleepNanoseconds: asleep)
    }
  }

  /// A counter has come into doubt or out of it, or its bound was raised: that changes how soon to look again.
  private mutating func adapt() {
    for index in meters.indices {
      guard let bound = meters[index].takeRaisedBound() else { continue }
      say(bound, of: "\(meters[index].package)" + (meters[index].domain == .package ? "" : " \(meters[index].domain)"))
    }
    for index in cores.indices {
      if let bound = cores[index].takeRaisedBound() { say(bound, of: "a core of \(cores[index].package)") }
    }
    let certainSeconds = meters.map(\.longestCertainSeconds).min() ?? 0
    // Of those in doubt, each counts until it is read again: a reading of the packages settles nothing of a domain.
    let isInDoubt = meters.contains { $0.isInDoubt }
    longestIntervalSeconds = isInDoubt ? min(Self.doubtSeconds, certainSeconds) : certainSeconds
  }

  private func say(_ bound: PowerBound, of whose: String) {
    log(
      "Several readings of \(whose) agree that it draws more power than was thought possible, so it is "
        + "believed: up to \(Int64(clamping: bound.watts)) W from now on.")
  }

  /// How long the machine has slept: boot time less monotonic time, from the closest of a few readings of both; and the
  /// monotonic time.
  private func clocks() -> (asleep: Int64, now: Int64) {
    var asleep: Int64 = 0
    var now: Int64 = 0
    var closest = Int64.max
    for _ in 0..<3 where closest > 1_000_000 {
      let before = cmsr_monotonic_nanoseconds()
      let boottime = boottime()
      now = cmsr_monotonic_nanoseconds()
      let apart = now - before
      guard apart < closest else { continue }
      closest = apart
      asleep = boottime - before - apart / 2
    }
    return (asleep, now)
  }
}
