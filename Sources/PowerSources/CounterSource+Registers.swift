internal import CMSRShim
internal import RAPL

extension CounterSource {
  /// Reads units and bounds of every package, and makes sure that every package's counter moves.
  ///
  /// - Parameters:
  ///   - domains: further domains to read, if they exist: if their register can be read, and is not 0.
  ///   - isPartial: whether cores may be missing, because CPUs are offline.
  ///   - lacks: a note for the summary about CPUs that are offline.
  ///   - log: called with facts about the counters that the user should know.
  init(
    registers: any RegisterFile, packages: [PackageCPUs], identity: CPUIdentity, map: RegisterMap,
    domains: Set<PowerDomain> = [], isSimulated: Bool = false, isPartial: Bool = false, lacks: String = "",
    log: @escaping SourceLog = { _ in },
    boottime: @escaping @Sendable () -> Int64 = { cmsr_boottime_nanoseconds() }, isSnapshot: Bool = false
  ) throws(SourceError) {
    let model = CPUModel(identity)
    var meters: [CounterMeter] = []
    var cores: [CoreSumMeter] = []
    for package in packages {
      var reader = CounterReader(map.units, of: package, registers)
      let value = try reader.read(toleranceNanoseconds: CounterReader.firstToleranceNanoseconds).value
      guard let units = UnitRegister(value) else { throw .noUnits(address: map.units) }
      let bound = PowerBound(cores: package.cores)
      for domain in PowerDomain.allCases where domain == .package || domains.contains(domain) {
        guard let address = map.energy(of: domain) else { continue }
        let unit = units.energyUnit(of: domain, on: model)
        if domain == .core && map.countsEachCore {
          if let lack = package.lackOfCores {
            log(lack)
            continue
          }
          guard let physical = package.physicalCores else { continue }
          var sum = CoreSumMeter(
            package: package, cores: physical, unit: unit, address: address, registers: registers, isPartial: isPartial)
          if sum.exist() { cores.append(sum) }
          continue
        }
        var meter = CounterMeter(
          package: package.id, domain: domain, unit: unit, bound: bound, reader.counter(address))
        if domain != .package, try !meter.exists() { continue }
        if let error = SourceError.implausible(unit, by: map.units) { throw error }
        meters.append(meter)
      }
    }
    let unknown = model.isKnown ? "" : " (an unknown model: the energy unit is that of its register)"
    try self.init(
      meters, cores: cores, cpu: isSimulated ? nil : "\(identity)", isSimulated: isSimulated, log: log,
      boottime: boottime, isSnapshot: isSnapshot
    ) {
      packages in
      isSimulated
        ? "a simulated CPU of \(packages) (its watts are invented)"
        : "\(identity)\(unknown), \(packages), from its msr registers\(lacks)"
    }
  }
}
