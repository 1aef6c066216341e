internal import CMSRShim
internal import RAPL

extension CounterSource {
  /// Makes sure that every package's counter moves, and leaves out a platform's that does not.
  ///
  /// - Parameters:
  ///   - meters: the counters, in the order in which to read them; packages are read before all others.
  ///   - cores: sums of the cores of these packages; read last, and only if domains are asked for.
  ///   - cpu: the CPU's name.
  ///   - log: called with facts about the counters that the user should know.
  ///   - boottime: nanoseconds of a clock that goes on while the machine sleeps.
  ///   - isSnapshot: whether each counter shows only two values, as in a capture without a trace.
  ///   - summary: makes the sentence on what is measured and how, from the number of packages: "2 packages".
  init(
    _ meters: [CounterMeter], cores: [CoreSumMeter] = [], cpu: String?, isSimulated: Bool = false,
    log: @escaping SourceLog = { _ in },
    boottime: @escaping @Sendable () -> Int64 = { cmsr_boottime_nanoseconds() },
    isSnapshot: Bool = false, summary: (_ packages: String) -> String
  ) throws(SourceError) {
    var packages = meters.filter { $0.domain == .package }
    try Self.probe(&packages, isSnapshot: isSnapshot)
    let repeated = try Self.leaveOutRepeated(&packages, isSnapshot: isSnapshot, log)
    let period = Self.period(packages)
    // Counters that step are not waited for: one that does not move is found out later.
    let waits = period == 0
    var others: [CounterMeter] = []
    for var meter in meters where meter.domain != .package && !repeated.contains(meter.package) {
      if waits, meter.domain == .psys, !meter.moves() {
        log("The psys counter of \(meter.package) does not move, so it is not measured.")
      } else {
        if let leader = Self.leader(of: meter, among: packages) { meter.follow(leader) }
        others.append(meter)
      }
    }
    if waits { Self.leaveOutRepeatedPlatforms(&others, isSnapshot: isSnapshot, log) }
    self.isSimulated = isSimulated
    self.cpu = cpu
    let steps =
      period == 0
      ? "" : "; its counters move only every \(Self.seconds(period)) s, and a window lasts from one step to another"
    self.summary = summary(packages.count == 1 ? "1 package" : "\(packages.count) packages") + steps
    packageCount = packages.count
    self.meters = packages + others
    self.cores = cores
    isStepping = period != 0
    hasPlatform = others.contains { $0.domain == .psys }
    longestIntervalSeconds = self.meters.map(\.longestCertainSeconds).min() ?? 0
    self.log = log
    self.boottime = boottime
    if !repeated.isEmpty {
      leaveOutCores(of: cores.map(\.package)) {
        "The core domain of \($0) is not measured, because packages share a counter, and it is unknown whose cores are whose."
      }
    }
    leaveOutCores(of: packages.filter(\.course.isStepping).map(\.package), \.coresMayStep)
  }

  mutating func leaveOutCores(of packages: [PackageID], _ sentence: (PackageID) -> String) {
    cores.removeAll { sum in
      guard packages.contains(sum.package) else { return false }
      log(sentence(sum.package))
      return true
    }
  }
}

extension CounterMeter {
  /// Whether this counter exists: virtual machines and most models lack some, which then fault or stay 0.
  mutating func exists() throws(SourceError) -> Bool {
    do {
      return try look().value != 0
    } catch {
      switch error {
      // In a captured machine, a domain that was not captured does not exist; the doctor says the same.
      case .register(.absent), .register(.notCaptured): return false
      default: throw error
      }
    }
  }

  /// Whether a platform's counter moves.
  mutating func moves() -> Bool {
    // The first of a capture's two values has been read already.
    PlatformWatch.moves(from: firstValue) { try? look().value }
  }

  /// Takes the result of observing how the counter moves.
  mutating func take(_ movement: CounterProbe.Movement) throws(SourceError) {
    switch movement {
    case .continuous: break
    case .steps(let timer): course = CounterCourse(timer)
    case .zero: throw .zeroCounter(package)
    case .stands(let value): throw .stuckCounter(package, value: value)
    }
  }
}
