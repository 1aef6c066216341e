internal import RAPL
internal import SystemCalls

extension CounterSource {
  /// Opens every zone's energy_uj, and makes sure that every package's counter moves.
  ///
  /// - Parameter domains: further domains to read, where there is a zone for them.
  init(powercap tree: PowercapTree, identity: CPUIdentity, domains: Set<PowerDomain>) throws(SourceError) {
    var meters: [CounterMeter] = []
    var bounds: [PackageID: PowerBound] = [:]
    for entry in try tree.entries(vendor: identity.vendor) {
      let (zone, folder) = (entry.zone, entry.folder)
      guard zone.domain == .package || domains.contains(zone.domain) else { continue }
      if zone.domain == .package {
        bounds[zone.package] = PowerBound(thermalDesignWatts: Self.thermalDesignWatts(folder))
      }
      meters.append(
        CounterMeter(
          package: zone.package, domain: zone.domain,
          unit: EnergyUnit(joulesPerCount: 1e-6, source: .powercap),
          bound: bounds[zone.package] ?? PowerBound(thermalDesignWatts: nil),
          range: try Self.range("\(folder)/max_energy_range_uj"),
          origin: try PowercapCounter(path: "\(folder)/energy_uj")))
    }
    try self.init(meters, cpu: "\(identity)") { "\(identity), \($0), by the kernel's powercap" }
  }

  /// How many microjoules a counter counts before it starts again from 0.
  ///
  /// The kernel tells the largest value, that of a full 32-bit counter; 0 is one hardware unit further.
  private static func range(_ path: String) throws(SourceError) -> UInt64 {
    guard let largest = try microjoules(path), 1_000_000..<(1 << 53) ~= largest else { throw .noEnergy(path: path) }
    return largest + max(largest / (EnergyCounter.registerRange - 1), 1)
  }

  /// nil where there is no such limit: it is not needed, only better than without.
  private static func thermalDesignWatts(_ folder: String) -> Double? {
    guard let microwatts = try? microjoules("\(folder)/constraint_0_max_power_uw") else { return nil }
    let watts = Double(microwatts) / 1e6
    return (1...1000).contains(watts) ? watts : nil
  }

  private static func microjoules(_ path: String) throws(SourceError) -> UInt64? {
    do {
      return PowercapCounter.microjoules(try TextFile.read(path).utf8)
    } catch {
      throw .energyFile(path: error.path, errno: error.errno)
    }
  }
}
