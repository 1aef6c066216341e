internal import RAPL

extension CounterSource {
  /// Opens every zone's energy_uj, and makes sure that every package's counter moves. A domain whose file cannot be used is
  /// left out.
  ///
  /// - Parameters:
  ///   - zones: the zones, packages first.
  ///   - packages: the machine's packages, if they are known.
  ///   - domains: further domains to read, if there is a zone for them.
  ///   - lacks: a note for the summary about CPUs that are offline.
  ///   - log: called with facts about the counters that the user should know.
  init(
    powercap tree: MachineTree, zones: [PowercapTree.Entry], identity: CPUIdentity, packages: [PackageCPUs],
    domains: Set<PowerDomain>, lacks: String = "", log: @escaping SourceLog
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
        // A package's is looked at in any case. The file of a domain may open, and give nothing all the same.
        if zone.domain != .package { _ = try meter.look() }
        meters.append(meter)
      } catch {
        if zone.domain == .package { throw error }
        log("The \(zone.domain) counter of \(zone.package) is not measured. \(error)")
      }
    }
    try self.init(meters, cpu: "\(identity)", log: log, isSnapshot: tree.isSnapshot) {
      "\(identity), \($0), from the kernel's powercap\(lacks)"
    }
  }
}
