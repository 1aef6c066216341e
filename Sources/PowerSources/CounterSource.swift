internal import CMSRShim
internal import RAPL

/// Energy from counters of one kind: one for each package, and one for each further domain.
struct CounterSource: EnergySource {
  /// How soon a reading that was set aside is settled by another.
  private static let doubtSeconds = 0.25

  /// After this many readings one more follows soon, to check whether a counter that moves all the time still does.
  private static let readingsToCheck = 64
  /// How soon, in nanoseconds.
  private static let checkNanoseconds = StepTimer.shortestPeriod + 5_000_000

  /// How often everything is read again because the machine slept in between.
  private static let mostTries = 3

  /// A replayed machine's energy is not this one's and not the present one, so it must not be taken for measured.
  var isSimulated: Bool
  let cpu: String?
  let summary: String
  private(set) var longestIntervalSeconds: Double
  private(set) var meters: [CounterMeter]
  /// For each package the sum of its cores' counters, if each core has its own.
  private var cores: [CoreSumMeter]
  private var platforms: [PackageID: PlatformWatch] = [:]
  /// The number of packages that are read.
  let packageCount: Int
  /// Whether a package's counter moves in steps.
  private var isStepping: Bool
  /// How many readings are left until that check; 0 while it is due.
  private var readingsLeft = readingsToCheck
  /// When that additional reading is due.
  private var checkTime: Int64 = 0
  /// Whether a platform's counter is read, or was at the start.
  private let hasPlatform: Bool
  private let log: SourceLog
  /// Nanoseconds of a clock that goes on while the machine sleeps.
  private let boottime: @Sendable () -> Int64

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

  private mutating func leaveOutCores(of packages: [PackageID], _ sentence: (PackageID) -> String) {
    cores.removeAll { sum in
      guard packages.contains(sum.package) else { return false }
      log(sentence(sum.package))
      return true
    }
  }

  /// Everything that it reads, except cores.
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
      if isStepping {
        for index in 0..<count { readings.append(read(index, asleep, now, &hasChanged)) }
        // A counter that moves together with a package's is read after that one has moved.
        for index in count..<meters.count where meters[index].leader != nil {
          _ = read(index, asleep, now, &hasChanged)
        }
      } else {
        for index in 0..<count {
          readings.append(meters[index].read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged))
        }
      }
      if domains {
        for index in cores.indices {
          readings.append(cores[index].read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged))
        }
      }
      if readingsLeft > 0 {
        readingsLeft -= 1
        if readingsLeft == 0 { checkTime = now + Self.checkNanoseconds }
      } else if now >= checkTime {
        readingsLeft = Self.readingsToCheck
      }
      if hasChanged { adapt() }
      if domains && hasPlatform { leaveOutStillPlatforms(&readings) }
      let boottime = boottime()
      let monotonic = cmsr_monotonic_nanoseconds()
      // If the machine slept in between, it is unknown what was read before that and what after.
      if boottime - monotonic - asleep > PowerMeter.shortestSleepNanoseconds && tries < Self.mostTries { continue }
      // The time of the packages: a domain may have failed long ago.
      let end = packageCount > 0 ? readings[packageCount - 1].monotonicNanoseconds : 0
      return EnergySnapshot(
        readings: readings, unixNanoseconds: cmsr_realtime_nanoseconds() - (monotonic - end), asleepNanoseconds: asleep)
    }
  }

  /// Leaves out a platform's counter that has not moved while its package drew energy: a platform draws more than that. An idle
  /// uncore or DRAM may stand still.
  private mutating func leaveOutStillPlatforms(_ readings: inout [EnergyReading]) {
    for index in (packageCount..<readings.count).reversed() where readings[index].domain == .psys {
      let platform = readings[index]
      // One that is read with its package's next step has no time before that.
      guard case .read = platform.outcome, platform.monotonicNanoseconds != 0 else { continue }
      let drawn = readings[..<packageCount].filter { $0.package.package == platform.package.package }
        .reduce(0) { $0 + $1.unit.joules($1.counts) }
      guard platforms[platform.package, default: PlatformWatch(platform, drawn)].proves(platform, drawn) else {
        continue
      }
      log(
        "The psys counter of \(platform.package) did not move while the package drew energy, so it is no longer measured."
      )
      meters.remove(at: index)
      readings.remove(at: index)
    }
  }

  private mutating func read(_ index: Int, _ asleep: Int64, _ now: Int64, _ hasChanged: inout Bool) -> EnergyReading {
    guard let leader = meters[index].leader, let stepped = meters[leader].course.stepped else {
      return meters[index].read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
    }
    return meters[index].read(
      asOf: stepped.isBehind ? nil : stepped.nanoseconds, asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
  }

  /// How the packages' counters step, or when to read them again to find that out; nil if all of them are always up to date.
  var steps: CounterSteps? {
    var steps = readingsLeft == 0 ? CounterSteps(periodNanoseconds: 0, nextLookNanoseconds: checkTime) : nil
    for index in 0..<packageCount where !meters[index].course.isContinuous {
      guard let nextLook = meters[index].course.nextLook else { continue }
      steps = CounterSteps(
        periodNanoseconds: max(steps?.periodNanoseconds ?? 0, meters[index].course.stepped?.timer.period ?? 0),
        nextLookNanoseconds: min(steps?.nextLookNanoseconds ?? .max, nextLook))
    }
    return steps
  }

  /// The index of a package whose counter moves in steps, and that of a domain with it.
  ///
  /// A platform's counter may be in another part of the machine, but not in a hypervisor's.
  private static func leader(of meter: CounterMeter, among packages: [CounterMeter]) -> Int? {
    packages.firstIndex { package in
      package.course.isStepping
        && (meter.package.die == nil
          ? package.package.package == meter.package.package : package.package == meter.package)
    }
  }

  /// If a package's counter has begun to move in steps, its domains are read as of them.
  private mutating func followSteps() {
    let stepping = meters[..<packageCount].filter(\.course.isStepping)
    if stepping.isEmpty { return }
    if !isStepping {
      log(
        "The packages' counters now move only every \(Self.seconds(Self.period(stepping))) s, and a window lasts from one step to "
          + "another.")
    }
    isStepping = true
    let packages = Array(meters[..<packageCount])
    for index in packageCount..<meters.count where meters[index].leader == nil {
      if let leader = Self.leader(of: meters[index], among: packages) { meters[index].follow(leader) }
    }
    leaveOutCores(of: stepping.map(\.package), \.coresMayStep)
  }

  /// A counter came into doubt or out of it, or its bound was raised. That changes how soon to read again.
  private mutating func adapt() {
    followSteps()
    for index in meters.indices {
      guard let bound = meters[index].takeRaisedBound() else { continue }
      say(bound, of: "\(meters[index].package)" + (meters[index].domain == .package ? "" : " \(meters[index].domain)"))
    }
    for index in cores.indices {
      if let bound = cores[index].takeRaisedBound() { say(bound, of: "a core of \(cores[index].package)") }
    }
    let certainSeconds = meters.map(\.longestCertainSeconds).min() ?? 0
    // Those in doubt count until they are read again: a reading of the packages settles nothing for a domain.
    let isInDoubt = meters.contains { $0.isInDoubt }
    longestIntervalSeconds = isInDoubt ? min(Self.doubtSeconds, certainSeconds) : certainSeconds
  }

  private func say(_ bound: PowerBound, of whose: String) {
    log(
      "Several readings of \(whose) agree on more power than was thought possible, so up to \(Int64(clamping: bound.watts)) W "
        + "is accepted from now on.")
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
