internal import RAPL

/// One energy counter of a source: the origin of its values, and what has become of them.
struct CounterMeter {
  let package: PackageID
  let domain: PowerDomain
  let unit: EnergyUnit
  let range: UInt64
  private var knownBound: PowerBound
  /// Its register, stored in place: reading one in an existential's box costs 200 more instructions.
  private var register: RegisterCounter?
  /// Any other origin.
  private let file: (any CounterFile)?
  private var counter: EnergyCounter
  /// How it moves, and its energy as of the latest step unless it moves all the time.
  private(set) var course = CounterCourse()
  /// The index of the package whose counter moves in steps, and this domain's with it.
  private(set) var leader: Int?
  /// The step as of which such a domain is read.
  private var step: Int64?
  private var lastMonotonicNanoseconds: Int64 = 0
  /// Its value when it was first read, before any reading counted.
  private var firstLook: UInt64?
  /// Whether the latest value was set aside, and another reading soon after may settle it.
  private(set) var isInDoubt = false

  /// A register's counter that has not been read yet.
  ///
  /// - Parameter bound: the power that the package cannot exceed.
  init(package: PackageID, domain: PowerDomain, unit: EnergyUnit, bound: PowerBound, register: RegisterCounter) {
    self.init(package, domain, unit, bound, range: EnergyCounter.registerRange, register, nil)
  }

  /// A file's counter that has not been read yet.
  ///
  /// - Parameters:
  ///   - bound: the power that the package cannot exceed.
  ///   - range: the number of values of the counter.
  init(
    package: PackageID, domain: PowerDomain, unit: EnergyUnit, bound: PowerBound, range: UInt64, file: any CounterFile
  ) {
    self.init(package, domain, unit, bound, range: range, nil, file)
  }

  private init(
    _ package: PackageID, _ domain: PowerDomain, _ unit: EnergyUnit, _ bound: PowerBound, range: UInt64,
    _ register: RegisterCounter?, _ file: (any CounterFile)?
  ) {
    self.package = package
    self.domain = domain
    self.unit = unit
    self.register = register
    self.file = file
    self.range = range
    knownBound = bound.of(domain, unit: unit)
    counter = EnergyCounter(unit: unit, bound: knownBound, range: range, alwaysMoves: domain == .package)
  }

  /// The longest time between two readings that cannot miss a wrap, in seconds.
  var longestCertainSeconds: Double { counter.bound.longestCertainSeconds(unit: unit, range: range) }

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
  ///   - now: the monotonic time a moment ago.
  ///   - hasChanged: set if the counter came into doubt or out of it, now moves in steps, or its bound was raised.
  mutating func read(asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool) -> EnergyReading {
    let last = lastMonotonicNanoseconds
    let tolerance =
      last == 0
      ? TimedValue.firstToleranceNanoseconds
      : TimedValue.toleranceNanoseconds(window: now - last)
    let outcome: EnergyReading.Outcome
    do {
      let value = try value(toleranceNanoseconds: tolerance)
      let change = record(value, asleep, &hasChanged)
      let isInDoubt = if case .implausible = change { counter.isInDoubt } else { false }
      if isInDoubt != self.isInDoubt || counter.bound != knownBound {
        self.isInDoubt = isInDoubt
        hasChanged = true
      }
      outcome = .read(change)
    } catch {
      // Another reading soon after would settle nothing.
      if isInDoubt { hasChanged = true }
      isInDoubt = false
      outcome = .failed(error)
    }
    return reading(outcome)
  }

  /// Reads a domain's counter that moves together with its package's: only after that has stepped, as of that step.
  ///
  /// - Parameter step: the time of the package counter's step; nil if that was before its present value.
  mutating func read(
    asOf step: Int64?, asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool
  ) -> EnergyReading {
    guard let step else { return reading(.read(.implausible)) }
    if step == lastMonotonicNanoseconds { return reading(.read(.idle)) }
    self.step = step
    return read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
  }

  private mutating func record(_ value: TimedValue, _ asleep: Int64, _ hasChanged: inout Bool) -> CounterChange {
    lastMonotonicNanoseconds = step ?? value.monotonicNanoseconds
    guard course.isContinuous else {
      let wasStepping = course.isStepping
      let change = course.record(value.value, at: value.monotonicNanoseconds, asleep: asleep, into: &counter)
      if course.isStepping != wasStepping { hasChanged = true }
      return change
    }
    let change = counter.record(value.value, at: lastMonotonicNanoseconds, asleep: asleep)
    if case .idle = change, domain == .package { course.stood(at: value.value, lastMonotonicNanoseconds, counter) }
    return change
  }

  private func reading(_ outcome: EnergyReading.Outcome) -> EnergyReading {
    guard course.isContinuous else {
      return EnergyReading(
        package: package, domain: domain, outcome: outcome, counts: course.counts, unit: unit, losses: course.losses,
        rejections: counter.rejections, monotonicNanoseconds: course.nanoseconds)
    }
    return EnergyReading(
      package: package, domain: domain, outcome: outcome, counts: counter.total, unit: unit, losses: counter.losses,
      rejections: counter.rejections, monotonicNanoseconds: lastMonotonicNanoseconds)
  }

  /// Follows a package whose counter now moves in steps: it is unknown when its own energy up to now was drawn.
  mutating func follow(_ leader: Int) {
    self.leader = leader
    if lastMonotonicNanoseconds != 0 { counter.loseTime() }
  }

  private mutating func value(toleranceNanoseconds tolerance: Int64) throws(SourceError) -> TimedValue {
    if let value = try register?.read(toleranceNanoseconds: tolerance) { return value }
    guard let file else { preconditionFailure("a counter has a register or a file") }
    return try file.read(toleranceNanoseconds: tolerance)
  }

  /// The counter, for the comparison with others.
  func compared(isSnapshot: Bool) -> CounterIdentity.Counter {
    CounterIdentity.Counter(range: range, timer: course.stepped?.timer, isSnapshot: isSnapshot)
  }

  /// Whether it is a register, and not a file of powercap.
  var isRegister: Bool { register != nil }

  /// The path of its file, if the file was replaced since it was opened.
  var replacedPath: String? { file?.replacedPath }

  /// The counter's present value, without counting it; nil if it cannot be read.
  mutating func rawValue() -> UInt64? { try? value(toleranceNanoseconds: .max).value }

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
    PlatformWatch.moves(from: firstLook) { try? look().value }
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

  /// Reads the counter while finding out how it moves.
  mutating func look() throws(SourceError) -> TimedValue {
    let value = try value(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds)
    firstLook = firstLook ?? value.value
    return value
  }
}
