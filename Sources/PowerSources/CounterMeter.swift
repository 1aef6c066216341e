internal import CMSRShim
internal import RAPL

/// One energy counter of a source: where its values come from, and what has become of them.
struct CounterMeter {
  /// A platform draws power all the time: its counter moves in less, in whole joules too.
  private static let standstillNanoseconds: Int64 = 250_000_000

  let package: PackageID
  let domain: PowerDomain
  let unit: EnergyUnit
  let range: UInt64
  private var knownBound: PowerBound
  private var origin: any CounterOrigin
  private var counter: EnergyCounter
  /// Of one that moves in steps: when, and what may be said of it.
  private(set) var stepped: SteppedCounter?
  /// Whether it is one: asked for each reading, and quicker than the whole.
  private var isStepped = false
  /// The package, by its place in the source, whose counter moves in steps, and this domain's with it.
  var leader: Int?
  /// As of when such a domain is read.
  private var step: Int64?
  private var lastMonotonicNanoseconds: Int64 = 0
  /// Whether the latest value was set aside, and another one soon after may settle it.
  private(set) var isInDoubt = false

  /// A counter that has not been read yet.
  ///
  /// - Parameters:
  ///   - bound: what the package cannot exceed.
  ///   - range: how many values the counter has.
  init(
    package: PackageID, domain: PowerDomain, unit: EnergyUnit, bound: PowerBound,
    range: UInt64 = EnergyCounter.registerRange, origin: any CounterOrigin
  ) {
    self.package = package
    self.domain = domain
    self.unit = unit
    self.origin = origin
    self.range = range
    knownBound = bound.of(domain, unit: unit)
    counter = EnergyCounter(unit: unit, bound: knownBound, range: range, alwaysMoves: domain == .package)
  }

  /// The longest time between two readings that cannot miss a wrap, in seconds.
  var longestCertainSeconds: Double { counter.bound.longestCertainSeconds(unit: unit, range: range) }

  /// Counts for another one too, whose counter it is as well; before the first reading.
  mutating func addBound(of other: CounterMeter) {
    knownBound = PowerBound(watts: min(knownBound.watts + other.knownBound.watts, PowerBound.highest.watts))
    counter = EnergyCounter(unit: unit, bound: knownBound, range: range, alwaysMoves: domain == .package)
  }

  /// The bound, if it was raised since this was last asked.
  mutating func takeRaisedBound() -> PowerBound? {
    guard counter.bound != knownBound else { return nil }
    knownBound = counter.bound
    return knownBound
  }

  /// Reads the counter now and takes its value in.
  ///
  /// - Parameters:
  ///   - now: the monotonic time a moment ago.
  ///   - hasChanged: set if the counter has come into doubt or out of it, or its bound was raised.
  mutating func read(asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool) -> EnergyReading {
    let last = lastMonotonicNanoseconds
    let tolerance =
      last == 0
      ? TimedValue.firstToleranceNanoseconds
      : TimedValue.toleranceNanoseconds(window: now - last)
    let outcome: EnergyReading.Outcome
    do {
      let value = try origin.read(toleranceNanoseconds: tolerance)
      let change = record(value, asleep)
      let isInDoubt = if case .implausible = change { counter.isInDoubt } else { false }
      if isInDoubt != self.isInDoubt || counter.bound != knownBound {
        self.isInDoubt = isInDoubt
        hasChanged = true
      }
      outcome = .read(change)
    } catch {
      // Another look soon would settle nothing.
      if isInDoubt { hasChanged = true }
      isInDoubt = false
      outcome = .failed(error)
    }
    return reading(outcome)
  }

  /// Reads a domain's counter that moves when its package's does: only once that has stepped, and as of that step.
  ///
  /// - Parameter step: when the package's counter stepped; nil if that was before it showed what it shows now.
  mutating func read(
    asOf step: Int64?, asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool
  ) -> EnergyReading {
    guard let step else { return reading(.read(.implausible)) }
    if step == lastMonotonicNanoseconds { return reading(.read(.idle)) }
    self.step = step
    return read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
  }

  private mutating func record(_ value: TimedValue, _ asleep: Int64) -> CounterChange {
    if isStepped {
      let change = stepped?.record(value.value, at: value.monotonicNanoseconds, asleep: asleep, into: &counter).change
      lastMonotonicNanoseconds = value.monotonicNanoseconds
      return change ?? .idle
    }
    lastMonotonicNanoseconds = step ?? value.monotonicNanoseconds
    return counter.record(value.value, at: lastMonotonicNanoseconds, asleep: asleep)
  }

  private func reading(_ outcome: EnergyReading.Outcome) -> EnergyReading {
    guard isStepped, let stepped else {
      return EnergyReading(
        package: package, domain: domain, outcome: outcome, counts: counter.total, unit: unit, losses: counter.losses,
        rejections: counter.rejections, monotonicNanoseconds: lastMonotonicNanoseconds)
    }
    return EnergyReading(
      package: package, domain: domain, outcome: outcome, counts: stepped.counts, unit: unit, losses: stepped.losses,
      rejections: counter.rejections, monotonicNanoseconds: stepped.nanoseconds)
  }

  /// How others are compared with it.
  func compared(isSnapshot: Bool) -> CounterIdentity.Counter {
    CounterIdentity.Counter(range: range, timer: stepped?.timer, isSnapshot: isSnapshot)
  }

  /// Whether it is a register, and no file of powercap.
  var isRegister: Bool { origin is RegisterCounter }

  /// The path of its file, if another file has taken that place since it was opened.
  var replacedPath: String? { origin.replacedPath }

  /// What the counter shows now, taken in by nothing; nil if it cannot be read.
  mutating func rawValue() -> UInt64? { try? origin.read(toleranceNanoseconds: .max).value }

  /// Whether there is such a counter: virtual machines and most models lack some, which then fault or stay 0.
  mutating func exists() throws(SourceError) -> Bool {
    do {
      return try origin.read(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds).value != 0
    } catch {
      switch error {
      // Of a captured machine, a domain that nobody captured is not there, as the doctor says too.
      case .register(.absent), .register(.notCaptured): return false
      default: throw error
      }
    }
  }

  /// Whether the counter shows another value within a quarter of a second.
  mutating func moves() -> Bool {
    let start = cmsr_monotonic_nanoseconds()
    var poll = start
    var first: UInt64?
    while let value = try? origin.read(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds).value {
      if let first, value != first { return true }
      first = value
      guard poll < start + Self.standstillNanoseconds else { return false }
      poll += 1_000_000
      cmsr_sleep_until(poll)
    }
    return false
  }

  /// Takes in how the counter was seen to move.
  mutating func take(_ movement: CounterProbe.Movement) throws(SourceError) {
    switch movement {
    case .continuous: break
    case .steps(let timer):
      stepped = SteppedCounter(timer)
      isStepped = true
    case .zero: throw .zeroCounter(package)
    case .stands(let value): throw .stuckCounter(package, value: value)
    }
  }

  /// Reads the counter while it is found out how it moves.
  mutating func look() throws(SourceError) -> TimedValue {
    try origin.read(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds)
  }
}
