internal import Formatting
internal import PowerSources
internal import RAPL

extension Examination {
  /// IA32_MISC_PACKAGE_CTLS; its bit 0 is ENERGY_FILTERING_ENABLE. Source: Intel SDM volume 4.
  private static let packageControls: UInt32 = 0xBC

  /// Examines units, counters and domains.
  mutating func lookAtRegisters() {
    guard let map, let identity, let registers else { return }
    let model = CPUModel(identity)
    var areAllMoving = true
    for package in packages {
      guard let cpu = package.cpus.first(where: { registers.openErrors[$0] == nil }) else { continue }
      do throws(SourceError) {
        try lookAt(package, cpu: cpu, registers, map, model)
      } catch {
        obstruct(.registers, error)
        areAllMoving = false
      }
    }
    guard areAllMoving, isWhole(registers, identity, map) else { return }
    measuredBy.append("its msr registers")
    lookAtPlatforms(registers, map)
    if map == .intel { lookAtFiltering(registers) }
  }

  /// - Throws: if the package's counter cannot be used.
  private mutating func lookAt(
    _ package: PackageCPUs, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel
  ) throws(SourceError) {
    let id = package.id
    func read(_ address: UInt32) throws(SourceError) -> UInt64 {
      do { return try registers.read(address, cpu: cpu) } catch { throw .register(error) }
    }
    guard let units = UnitRegister(try read(map.units)), let address = map.energy(of: .package) else {
      throw .noUnits(address: map.units)
    }
    let unit = units.energyUnit(of: .package, on: model)
    if let error = SourceError.implausible(unit, by: map.units) { throw error }
    let origin = unit.source == .register ? "its unit register" : "the table of models"
    // Found out in the same way as by the service.
    let movement = try machine.movement { () throws(SourceError) in
      try read(address) & (EnergyCounter.registerRange - 1)
    }
    registerTimers[id] = try movement.timer(of: id)
    let moves = registerTimers[id].map { "moves in steps, \(steps($0))" } ?? "moves"
    ok(.registers, "The energy counter of \(id) \(moves); one count is \(energy(unit)), from \(origin).")
    if map.countsEachCore {
      lookAtCores(package)
    } else {
      lookAtDomains(id, cpu: cpu, registers, map, model, units)
    }
  }

  /// AMD's only domain besides the package: a counter for each core.
  private mutating func lookAtCores(_ package: PackageCPUs) {
    if let lack = package.coresLeftOut { return ok(.registers, lack) }
    if registerTimers[package.id] != nil { ok(.registers, package.id.coresMayStep) }
  }

  /// Examines the domains beside the package.
  private mutating func lookAtDomains(
    _ id: PackageID, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel,
    _ units: UnitRegister
  ) {
    var there: [String] = []
    var missing: [String] = []
    for domain in PowerDomain.allCases where domain != .package {
      guard let address = map.energy(of: domain) else { continue }
      let lack: String?
      do {
        let value = UInt64(UInt32(truncatingIfNeeded: try registers.read(address, cpu: cpu)))
        // Counters that step are not waited for.
        lack =
          value == 0
          ? "0"
          : domain != .psys || registerTimers[id] != nil
            || PlatformWatch.moves(
              from: value,
              { (try? registers.read(address, cpu: cpu)).map { UInt64(UInt32(truncatingIfNeeded: $0)) } })
            ? nil : "it does not move"
      } catch .absent {
        lack = "EIO"
      } catch .notCaptured {
        lack = "this capture has no value for it"
      } catch {
        lack = "\(error)"
      }
      if let lack {
        missing.append("\(domain) (\(lack))")
      } else {
        if domain == .psys { platforms.append(id) }
        there.append("\(domain) (\(energy(units.energyUnit(of: domain, on: model))))")
      }
    }
    let lacks = missing.joined(separator: ", ")
    ok(
      .registers,
      there.isEmpty
        ? "\(id) has no further counters: \(lacks)."
        : "Further counters of \(id): \(there.joined(separator: ", "))\(missing.isEmpty ? "" : "; missing: \(lacks)").")
  }

  private mutating func lookAtFiltering(_ registers: MachineRegisters) {
    // A CPU without this register faults, and does not filter.
    guard let cpu = packages.first?.cpus.first(where: { registers.openErrors[$0] == nil }),
      let value = try? registers.read(Self.packageControls, cpu: cpu)
    else { return }
    if value & 1 == 0 { return ok(.registers, "Energy filtering is off (0xBC bit 0).") }
    warn(
      .registers, "Energy filtering is on (0xBC bit 0): the CPU blurs its counters to prevent spying.",
      fix: "nothing; it hardly affects averages over a second, but it affects shorter intervals.")
  }

  private func energy(_ unit: EnergyUnit) -> String {
    unit.joulesPerCount >= 1
      ? fixed(unit.joulesPerCount, places: 0) + " J" : fixed(unit.joulesPerCount * 1e6, places: 1) + " uJ"
  }
}
