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
  var longestIntervalSeconds: Double
  var meters: [CounterMeter]
  /// For each package the sum of its cores' counters, if each core has its own.
  var cores: [CoreSumMeter]
  private var platforms: [PackageID: PlatformWatch] = [:]
  /// The number of packages that are read.
  let packageCount: Int
  /// Whether a package's counter moves in steps.
  var isStepping: Bool
  /// How many readings are left until that check; 0 while it is due.
  private var readingsLeft = readingsToCheck
  /// When that additional reading is due.
  private var checkTime: Int64 = 0
  /// Whether a platform's counter is read, or was at the start.
  let hasPlatform: Bool
  /// What limits the packages.
  var limits: LimitsSource?
  let log: SourceLog
  /// Nanoseconds of a clock that goes on while the machine sleeps.
  let boottime: @Sendable () -> Int64

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
        let time = isStepping ? energyTime(of: index) : .now
        readings.append(meters[index].read(asOf: time, asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged))
      }
      // A counter that moves together with a package's is read after that one has moved.
      for index in count..<meters.count where isStepping && meters[index].leader != nil {
        _ = meters[index].read(
          asOf: energyTime(of: index), asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
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

  private func energyTime(of index: Int) -> CounterMeter.EnergyTime {
    guard let leader = meters[index].leader, let stepped = meters[leader].course.stepped else { return .now }
    return stepped.isBehind ? .unknown : .step(stepped.nanoseconds)
  }

  /// How the packages' counters step, or when to read them again to find that out; nil if all of them are always up to date.
  var steps: CounterSteps? {
    var steps = readingsLeft == 0 ? CounterSteps(periodNanoseconds: 0, nextReadNanoseconds: checkTime) : nil
    for index in 0..<packageCount where !meters[index].course.isContinuous {
      guard let nextReading = meters[index].course.nextReading else { continue }
      steps = CounterSteps(
        periodNanoseconds: max(steps?.periodNanoseconds ?? 0, meters[index].course.stepped?.timer.period ?? 0),
        nextReadNanoseconds: min(steps?.nextReadNanoseconds ?? .max, nextReading))
    }
    return steps
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

/// One energy counter of a source: the origin of its values, and what has become of them.
struct CounterMeter {
  /// The time of the energy that a reading gives.
  enum EnergyTime {
    /// That of the reading.
    case now
    /// That of a step of the package's counter, because this one moves together with it.
    case step(Int64)
    /// The package's counter has stepped before its present value, and it is unknown when.
    case unknown
  }

  let package: PackageID
  let domain: PowerDomain
  let unit: EnergyUnit
  let range: UInt64
  private var knownBound: PowerBound
  private var reader: CounterReader
  private var counter: EnergyCounter
  /// How it moves, and its energy as of the latest step unless it moves all the time.
  var course = CounterCourse()
  /// The index of the package whose counter moves in steps, and this domain's with it.
  private(set) var leader: Int?
  private var lastMonotonicNanoseconds: Int64 = 0
  /// Its value when it was first read, before any reading counted.
  private(set) var firstValue: UInt64?
  /// Whether the latest value was set aside, and another reading soon after may settle it.
  private(set) var isInDoubt = false

  /// A counter that has not been read yet.
  ///
  /// - Parameters:
  ///   - bound: the power that the package cannot exceed.
  ///   - range: the number of values of the counter.
  init(
    package: PackageID, domain: PowerDomain, unit: EnergyUnit, bound: PowerBound,
    range: UInt64 = EnergyCounter.registerRange, _ reader: CounterReader
  ) {
    self.package = package
    self.domain = domain
    self.unit = unit
    self.range = range
    self.reader = reader
    knownBound = bound.of(domain, unit: unit)
    counter = EnergyCounter(unit: unit, bound: knownBound, range: range, alwaysMoves: domain == .package)
  }

  /// The longest time between two readings that cannot miss a wrap, in seconds.
  var longestCertainSeconds: Double {
    // The kernel's count of an event never wraps, but a reset of the register below it looks like a wrap of that register: energy
    // of up to 65,536 J or more, which is told from energy that was drawn only if the time was short.
    let range = unit.source == .perf ? min(range, UInt64(clamping: 65_536 / unit.joulesPerCount)) : range
    return counter.bound.longestCertainSeconds(unit: unit, range: range)
  }

  /// Makes it count for another package that shows the same counter. Call it before the first reading.
  mutating func addBound(of other: CounterMeter) {
    knownBound = PowerBound(watts: min(knownBound.watts + other.knownBound.watts, PowerBound.highest.watts))
    counter = EnergyCounter(unit: unit, bound: knownBound, range: range, alwaysMoves: domain == .package)
  }

  /// The bound, if it was raised since the last call.
  mutating func takeRaisedBound() -> PowerBound? {
    guard counter.bound != knownBound else { return nil }
    knownBound = counter.bound
    return knownBound
  }

  /// Reads the counter now.
  ///
  /// - Parameters:
  ///   - energyTime: the time of the energy. If that is unknown, or a step whose energy was read already, nothing is read.
  ///   - now: the monotonic time a moment ago.
  ///   - hasChanged: set if the counter came into doubt or out of it, now moves in steps, or its bound was raised.
  mutating func read(
    asOf energyTime: EnergyTime = .now, asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool
  ) -> EnergyReading {
    let outcome: EnergyReading.Outcome
    switch energyTime {
    case .unknown: outcome = .read(.implausible)
    case .step(lastMonotonicNanoseconds): outcome = .read(.idle)
    case .now, .step:
      let tolerance =
        lastMonotonicNanoseconds == 0
        ? CounterReader.firstToleranceNanoseconds
        : CounterReader.toleranceNanoseconds(window: now - lastMonotonicNanoseconds)
      do {
        let value = try reader.read(toleranceNanoseconds: tolerance, since: now)
        lastMonotonicNanoseconds = if case .step(let time) = energyTime { time } else { value.monotonicNanoseconds }
        let change: CounterChange
        if course.isContinuous {
          change = counter.record(value.value, at: lastMonotonicNanoseconds, asleep: asleep)
          if case .idle = change, domain == .package {
            course.stood(at: value.value, lastMonotonicNanoseconds, counter)
          }
        } else {
          let wasStepping = course.isStepping
          change = course.record(value.value, at: value.monotonicNanoseconds, asleep: asleep, into: &counter)
          if course.isStepping != wasStepping { hasChanged = true }
        }
        let isInDoubt = if case .implausible = change { counter.isInDoubt } else { false }
        if isInDoubt != self.isInDoubt || counter.bound != knownBound {
          self.isInDoubt = isInDoubt
          hasChanged = true
        }
        outcome = .read(change)
      } catch {
        if case .events(let error) = error, error.losesEnergy { counter.loseTime() }
        // Another reading soon after would settle nothing.
        if isInDoubt { hasChanged = true }
        isInDoubt = false
        outcome = .failed(error)
      }
    }
    let isContinuous = course.isContinuous
    return EnergyReading(
      package: package, domain: domain, outcome: outcome, counts: isContinuous ? counter.total : course.counts,
      unit: unit, losses: isContinuous ? counter.losses : course.losses, rejections: counter.rejections,
      monotonicNanoseconds: isContinuous ? lastMonotonicNanoseconds : course.nanoseconds)
  }

  /// Follows a package whose counter now moves in steps: it is unknown when its own energy up to now was drawn.
  mutating func follow(_ leader: Int) {
    self.leader = leader
    if lastMonotonicNanoseconds != 0 { counter.loseTime() }
  }

  /// The counter, for the comparison with others.
  func compared(isSnapshot: Bool) -> CounterIdentity.Counter {
    CounterIdentity.Counter(range: range, timer: course.stepped?.timer, isSnapshot: isSnapshot)
  }

  /// Whether it is a register, and not a file of powercap or an event.
  var isRegister: Bool { reader.file == nil }

  /// Why it has to be opened again, if it has to.
  var change: MachineChange? { reader.file?.change }

  /// The counter's present value, without counting it; nil if it cannot be read.
  mutating func rawValue() -> UInt64? { try? reader.read(toleranceNanoseconds: .max).value }

  /// Reads the counter while finding out how it moves.
  mutating func readUncounted() throws(SourceError) -> TimedValue {
    let value = try reader.read(toleranceNanoseconds: CounterReader.firstToleranceNanoseconds)
    firstValue = firstValue ?? value.value
    return value
  }
}
