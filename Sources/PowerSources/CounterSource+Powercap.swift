internal import RAPL
internal import SystemCalls

extension CounterSource {
  /// Opens every zone's energy_uj, and makes sure that every package's counter moves. A domain whose files are of no use is
  /// left out.
  ///
  /// - Parameters:
  ///   - packages: what there is in the machine, as far as it is known.
  ///   - domains: further domains to read, where there is a zone for them.
  ///   - lacks: what is to be known of CPUs that are not there, for the summary.
  ///   - log: told what there is to know of the counters.
  init(
    powercap tree: MachineTree, identity: CPUIdentity, packages: [PackageCPUs], domains: Set<PowerDomain>,
    lacks: String = "", log: @escaping SourceLog
  ) throws(SourceError) {
    var meters: [CounterMeter] = []
    for entry in try PowercapTree(tree).entries(vendor: identity.vendor) {
      let (zone, folder) = (entry.zone, entry.folder)
      guard zone.domain == .package || domains.contains(zone.domain) else { continue }
      let cores = packages.filter { $0.id == zone.package || $0.id.package == zone.package.package && $0.id.die == nil }
      do {
        meters.append(
          CounterMeter(
            package: zone.package, domain: zone.domain,
            unit: EnergyUnit(joulesPerCount: 1e-6, source: .powercap),
            bound: PowerBound(cores: cores.first?.cores),
            range: try Self.range("\(folder)/max_energy_range_uj", tree.files),
            origin: try tree.zone("\(folder)/energy_uj")))
      } catch {
        if zone.domain == .package { throw error }
        log("The \(zone.domain) counter of \(zone.package) is left out. \(error)")
      }
    }
    try self.init(meters, cpu: "\(identity)", log: log) { "\(identity), \($0), by the kernel's powercap\(lacks)" }
  }

  /// How many microjoules a counter counts before it starts again from 0.
  ///
  /// The kernel tells the largest value, that of a full 32-bit counter; 0 is one hardware unit further.
  static func range(_ path: String, _ files: any Files) throws(SourceError) -> UInt64 {
    let text: String
    do {
      text = try files.text(path)
    } catch {
      throw .energyFile(path: error.path, errno: error.errno)
    }
    guard let largest = PowercapCounter.microjoules(text.utf8), 1_000_000..<(1 << 53) ~= largest else {
      throw .noEnergy(path: path)
    }
    return largest + max(largest / (EnergyCounter.registerRange - 1), 1)
  }
}
