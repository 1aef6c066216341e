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
  /// Whether this counter exists: virtual machines and most models do not have all, and those then fault or stay 0.
  mutating func exists() throws(SourceError) -> Bool {
    do {
      return try readUncounted().value != 0
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
    PlatformWatch.moves(from: firstValue) { try? readUncounted().value }
  }

  /// Takes the result of observing how the counter moves.
  mutating func take(_ movement: CounterProbe.Movement) throws(SourceError) {
    if let timer = try movement.timer(of: package) { course = CounterCourse(timer) }
  }
}

extension CounterSource {
  /// Reads units and bounds of every package, and makes sure that every package's counter moves.
  ///
  /// - Parameters:
  ///   - domains: further domains to read, if they exist: if their register can be read, and is not 0.
  ///   - isPartial: whether cores may be missing, because CPUs are offline.
  ///   - note: a note for the summary about CPUs that are offline.
  ///   - log: called with facts about the counters that the user should know.
  init(
    registers: any RegisterFile, packages: [PackageCPUs], identity: CPUIdentity, map: RegisterMap,
    domains: Set<PowerDomain> = [], isSimulated: Bool = false, isPartial: Bool = false, note: String = "",
    log: @escaping SourceLog = { _ in },
    boottime: @escaping @Sendable () -> Int64 = { cmsr_boottime_nanoseconds() }, isSnapshot: Bool = false
  ) throws(SourceError) {
    let model = CPUModel(identity)
    var meters: [CounterMeter] = []
    var cores: [CoreSumMeter] = []
    var limits: [RegisterLimits] = []
    for package in packages {
      var reader = CounterReader(map.units, of: package, registers)
      let value = try reader.read(toleranceNanoseconds: CounterReader.firstToleranceNanoseconds).value
      guard let units = UnitRegister(value) else { throw .noUnits(address: map.units) }
      let bound = PowerBound(cores: package.cores)
      if let found = RegisterLimits(of: package.id, LimitModel(identity), units, bound: bound, like: reader) {
        limits.append(found)
      }
      for domain in PowerDomain.allCases where domain == .package || domains.contains(domain) {
        guard let address = map.energy(of: domain) else { continue }
        let unit = units.energyUnit(of: domain, on: model)
        if domain == .core && map.countsEachCore {
          if let reason = package.coresLeftOut {
            log(reason)
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
        : "\(identity)\(unknown), \(packages), from its msr registers\(note)"
    }
    // An invented CPU has no limits.
    if !isSimulated { self.limits = LimitsSource(.msr, limits) }
  }
}

extension CounterSource {
  /// Opens every zone's energy_uj, and makes sure that every package's counter moves. A domain whose file cannot be used is
  /// left out.
  ///
  /// - Parameters:
  ///   - zones: the zones, packages first.
  ///   - packages: the machine's packages, if they are known.
  ///   - domains: further domains to read, if there is a zone for them.
  ///   - note: a note for the summary about CPUs that are offline.
  ///   - log: called with facts about the counters that the user should know.
  init(
    powercap tree: MachineTree, zones: [PowercapTree.Entry], identity: CPUIdentity, packages: [PackageCPUs],
    domains: Set<PowerDomain>, note: String = "", log: @escaping SourceLog
  ) throws(SourceError) {
    var meters: [CounterMeter] = []
    for entry in zones {
      let (zone, folder) = (entry.zone, entry.folder)
      guard zone.domain == .package || domains.contains(zone.domain) else { continue }
      let cores = packages.filter { $0.id == zone.package || $0.id.package == zone.package.package && $0.id.die == nil }
      do {
        var meter = CounterMeter(
          package: zone.package, domain: zone.domain,
          unit: EnergyUnit(joulesPerCount: 1e-6, source: .powercap),
          bound: PowerBound(cores: cores.first?.cores),
          range: try PowercapTree(tree).range(of: entry),
          CounterReader(try tree.zone("\(folder)/energy_uj")))
        // A package's is read in any case. The file of a domain may open, and give nothing all the same.
        if zone.domain != .package { _ = try meter.readUncounted() }
        meters.append(meter)
      } catch {
        if zone.domain == .package { throw error }
        log("The \(zone.domain) counter of \(zone.package) is not measured. \(error)")
      }
    }
    try self.init(meters, cpu: "\(identity)", log: log, isSnapshot: tree.isSnapshot) {
      "\(identity), \($0), from the kernel's powercap\(note)"
    }
    limits = LimitsSource(zones: zones, of: packages, tree)
  }
}

extension CounterSource {
  /// Opens the kernel's energy events of every package, and makes sure that every package's counter moves. An event of a domain
  /// that cannot be opened is left out.
  ///
  /// - Parameters:
  ///   - groups: each package, with the CPU that counts for it.
  ///   - domains: further domains to read, if there is an event for them.
  ///   - opener: opens the events.
  ///   - canCount: whether the kernel now counts energy events of a package; asked if they have stopped.
  ///   - note: a note for the summary about CPUs that are offline.
  ///   - log: called with facts about the counters that the user should know.
  init(
    events pmu: PowerPMU, of groups: [(package: PackageCPUs, cpu: Int)], identity: CPUIdentity,
    domains: Set<PowerDomain>, opener: any EventOpener,
    canCount: @escaping @Sendable (PackageID) -> Bool = { _ in true }, note: String = "", log: @escaping SourceLog
  ) throws(SourceError) {
    var meters: [CounterMeter] = []
    let wanted = pmu.events.filter { $0.domain == .package || domains.contains($0.domain) }
    for (package, cpu) in groups {
      let id = package.id
      let opened = opener.open(type: pmu.type, configs: wanted.map(\.config), cpu: cpu)
      let errors = zip(wanted, opened.errors).map { event, errno in
        (event: event, error: EventError.cannotOpen(name: event.name, cpu: cpu, errno: errno), isOpen: errno == 0)
      }
      guard let group = opened.group else { throw .events(errors[0].error) }
      for failed in errors where !failed.isOpen {
        log("The \(failed.event.domain) counter of \(id) is not measured. \(SourceError.events(failed.error))")
      }
      let counted = errors.filter(\.isOpen).map(\.event)
      let events = PackageEvents(id, group, count: counted.count) { canCount(id) }
      for (index, event) in counted.enumerated() {
        let counter = EventCounter(events, index: index, joulesPerCount: event.joulesPerCount)
        meters.append(
          CounterMeter(
            package: id, domain: event.domain, unit: counter.unit, bound: PowerBound(cores: package.cores),
            range: counter.range, CounterReader(counter)))
      }
    }
    try self.init(meters, cpu: "\(identity)", log: log) {
      "\(identity), \($0), from the kernel's energy events (perf)\(note)"
    }
  }
}
