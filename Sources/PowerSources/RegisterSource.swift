internal import CMSRShim
internal import RAPL

/// Energy from RAPL registers, whatever serves them: one counter for each package, and for each further domain of it.
struct RegisterSource<Registers: RegisterFile>: EnergySource {
  /// How long a counter gets to show that it lives. It updates about every millisecond; 100 ms without is a dead one.
  private static var probeNanoseconds: Int64 { 100_000_000 }

  /// How much of a window a read may take before it counts as interrupted.
  private static var interruptedShare: Int64 { 100 }

  /// The shortest window that is ever made public (see the PLATYPUS paper, CVE-2020-8694): the measure for the first read.
  private static var firstWindowNanoseconds: Int64 { 250_000_000 }

  private struct Meter {
    let domain: PowerDomain
    let address: UInt32
    var reader: PackageReader<Registers>
    let unit: EnergyUnit
    var counter: EnergyCounter
    var lastMonotonicNanoseconds: Int64
  }

  let isSimulated: Bool
  let summary: String
  let longestIntervalSeconds: Double
  private var meters: [Meter] = []

  /// Reads units and bounds of every package, and makes sure that every package's counter moves.
  ///
  /// - Parameter domains: further domains to read, where they exist: their register can be read, and is not 0.
  init(
    registers: Registers, packages: [PackageCPUs], identity: CPUIdentity, map: RegisterMap,
    domains: Set<PowerDomain> = [], isSimulated: Bool = false
  ) throws(SourceError) {
    self.isSimulated = isSimulated
    let model = CPUModel(identity)
    var longest = Double.infinity
    var furtherMeters: [Meter] = []
    for package in packages {
      var reader = PackageReader(package: package, registers: registers)
      let value = try Self.read(map.units, through: &reader).value
      guard let units = UnitRegister(value) else { throw .noUnits(address: map.units) }
      let bound = PowerBound(thermalDesignWatts: Self.thermalDesignWatts(map, units, through: &reader))
      for domain in PowerDomain.allCases where domain == .package || domains.contains(domain) {
        guard let address = map.energy(of: domain) else { continue }
        let unit = units.energyUnit(of: domain, on: model)
        let meter = Meter(
          domain: domain, address: address, reader: reader, unit: unit,
          counter: EnergyCounter(unit: unit, bound: bound.of(domain)), lastMonotonicNanoseconds: 0)
        if domain == .package {
          meters.append(meter)
        } else if try Self.exists(meter) {
          furtherMeters.append(meter)
        } else {
          continue
        }
        longest = min(longest, bound.of(domain).longestCertainSeconds(unit: unit))
      }
    }
    // Shorter than any counter's own updates: junk, not a unit.
    if longest < 1, let unit = meters.first?.unit {
      throw .implausibleUnits(address: map.units, joulesPerCount: unit.joulesPerCount)
    }
    longestIntervalSeconds = longest
    let count = packages.count == 1 ? "1 package" : "\(packages.count) packages"
    let unknown = model.isKnown ? "" : " (a model that is not known here: the unit is its register's)"
    summary =
      isSimulated
      ? "a simulated CPU of \(count) (its watts are invented)" : "\(identity)\(unknown), \(count), by its msr registers"
    try probe()
    meters += furtherMeters
  }

  mutating func read() -> EnergySnapshot {
    let asleep = Self.asleepNanoseconds()
    var readings: [EnergyReading] = []
    readings.reserveCapacity(meters.count)
    for index in meters.indices {
      readings.append(read(index, asleep: asleep))
    }
    let end = readings.last?.monotonicNanoseconds ?? 0
    let unix = cmsr_realtime_nanoseconds() - (cmsr_monotonic_nanoseconds() - end)
    return EnergySnapshot(readings: readings, unixNanoseconds: unix, asleepNanoseconds: asleep)
  }

  private mutating func read(_ index: Int, asleep: Int64) -> EnergyReading {
    let last = meters[index].lastMonotonicNanoseconds
    let window = last == 0 ? Self.firstWindowNanoseconds : cmsr_monotonic_nanoseconds() - last
    let outcome: EnergyReading.Outcome
    do {
      let value = try meters[index].reader.read(
        meters[index].address, toleranceNanoseconds: window / Self.interruptedShare)
      let low = value.value & (EnergyCounter.registerRange - 1)
      meters[index].lastMonotonicNanoseconds = value.monotonicNanoseconds
      outcome = .read(meters[index].counter.record(low, at: value.monotonicNanoseconds + asleep))
    } catch {
      outcome = .failed(error)
    }
    let meter = meters[index]
    return EnergyReading(
      package: meter.reader.package.id, domain: meter.domain, outcome: outcome, counts: meter.counter.total,
      unit: meter.unit,
      losses: meter.counter.losses, monotonicNanoseconds: meter.lastMonotonicNanoseconds)
  }

  /// Waits until every counter has shown two values, neither of them 0.
  private mutating func probe() throws(SourceError) {
    for index in meters.indices {
      var first: UInt32 = 0
      let start = cmsr_monotonic_nanoseconds()
      var poll = start
      while true {
        let value = UInt32(
          truncatingIfNeeded: try Self.read(meters[index].address, through: &meters[index].reader).value)
        if first == 0 { first = value }
        if value != 0 && value != first { break }
        guard poll < start + Self.probeNanoseconds else {
          let id = meters[index].reader.package.id
          throw first == 0 ? .zeroCounter(id) : .stuckCounter(id, value: first)
        }
        poll += 1_000_000
        cmsr_sleep_until(poll)
      }
    }
  }

  /// Whether a domain is there: virtual machines and most models lack some, whose registers then fault or stay 0.
  private static func exists(_ meter: Meter) throws(SourceError) -> Bool {
    var reader = meter.reader
    do {
      return UInt32(truncatingIfNeeded: try read(meter.address, through: &reader).value) != 0
    } catch {
      if case .register(.absent) = error { return false }
      throw error
    }
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

  private static func read(
    _ address: UInt32, through reader: inout PackageReader<Registers>
  ) throws(SourceError) -> TimedValue {
    do {
      return try reader.read(address, toleranceNanoseconds: firstWindowNanoseconds / interruptedShare)
    } catch {
      throw .register(error)
    }
  }

  /// nil where there is no such register: it is not needed, only better than without.
  private static func thermalDesignWatts(
    _ map: RegisterMap, _ units: UnitRegister, through reader: inout PackageReader<Registers>
  ) -> Double? {
    guard let address = map.packagePowerInfo, let value = try? read(address, through: &reader) else { return nil }
    return units.thermalDesignWatts(powerInfo: value.value)
  }
}
