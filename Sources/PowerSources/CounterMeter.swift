internal import CMSRShim
internal import RAPL

/// One energy counter of a source: where its values come from, and what has become of them.
struct CounterMeter {
  /// How long a counter gets to show that it lives. It updates about every millisecond; 100 ms without is a dead one.
  private static let probeNanoseconds: Int64 = 100_000_000

  let package: PackageID
  let domain: PowerDomain
  let unit: EnergyUnit
  /// The longest time between two readings that cannot miss a wrap, in seconds.
  let longestCertainSeconds: Double
  private var origin: any CounterOrigin
  private var counter: EnergyCounter
  private var lastMonotonicNanoseconds: Int64 = 0

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
    let bound = bound.of(domain, unit: unit)
    longestCertainSeconds = bound.longestCertainSeconds(unit: unit, range: range)
    counter = EnergyCounter(unit: unit, bound: bound, range: range, alwaysMoves: domain == .package)
  }

  /// Reads the counter now and takes its value in.
  mutating func read(asleepNanoseconds asleep: Int64) -> EnergyReading {
    let last = lastMonotonicNanoseconds
    let tolerance =
      last == 0
      ? TimedValue.firstToleranceNanoseconds
      : TimedValue.toleranceNanoseconds(window: cmsr_monotonic_nanoseconds() - last)
    let outcome: EnergyReading.Outcome
    do {
      let value = try origin.read(toleranceNanoseconds: tolerance)
      lastMonotonicNanoseconds = value.monotonicNanoseconds
      outcome = .read(counter.record(value.value, at: value.monotonicNanoseconds, asleep: asleep))
    } catch {
      outcome = .failed(error)
    }
    return EnergyReading(
      package: package, domain: domain, outcome: outcome, counts: counter.total, unit: unit, losses: counter.losses,
      rejections: counter.rejections, monotonicNanoseconds: lastMonotonicNanoseconds)
  }

  /// Whether there is such a counter: virtual machines and most models lack some, which then fault or stay 0.
  mutating func exists() throws(SourceError) -> Bool {
    do {
      return try origin.read(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds).value != 0
    } catch {
      if case .register(.absent) = error { return false }
      throw error
    }
  }

  /// Waits until the counter has shown two values, neither of them 0.
  mutating func probe() throws(SourceError) {
    var first: UInt64 = 0
    let start = cmsr_monotonic_nanoseconds()
    var poll = start
    while true {
      let value = try origin.read(toleranceNanoseconds: TimedValue.firstToleranceNanoseconds).value
      if first == 0 { first = value }
      if value != 0 && value != first { return }
      guard poll < start + Self.probeNanoseconds else {
        throw first == 0 ? .zeroCounter(package) : .stuckCounter(package, value: first)
      }
      poll += 1_000_000
      cmsr_sleep_until(poll)
    }
  }
}
