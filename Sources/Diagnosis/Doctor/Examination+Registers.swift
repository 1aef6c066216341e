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
      let isMoving = lookAt(package, cpu: cpu, registers, map, model)
      areAllMoving = areAllMoving && isMoving
    }
    guard areAllMoving, isWhole(registers, identity, map) else { return }
    measuredBy.append("its msr registers")
    lookAtPlatforms(registers, map)
    if map == .intel { lookAtFiltering(registers) }
  }

  /// - Returns: whether the package's counter can be used.
  private mutating func lookAt(
    _ package: PackageCPUs, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel
  ) -> Bool {
    let id = package.id
    do {
      let value = try registers.read(map.units, cpu: cpu)
      guard let units = UnitRegister(value), let address = map.energy(of: .package) else {
        obstruct(.registers, .noUnits(address: map.units))
        return false
      }
      let unit = units.energyUnit(of: .package, on: model)
      if let error = SourceError.implausible(unit, by: map.units) {
        obstruct(.registers, error)
        return false
      }
      let origin = unit.source == .register ? "its unit register" : "the table of models"
      let movement = try movement(address, cpu: cpu, registers)
      let count = "one count is \(energy(unit)), from \(origin)"
      switch movement {
      case .zero:
        obstruct(.registers, .zeroCounter(id))
        return false
      case .stands(let value):
        obstruct(.registers, .stuckCounter(id, value: value))
        return false
      case .continuous: ok(.registers, "The energy counter of \(id) moves; \(count).")
      case .steps(let timer):
        registerTimers[id] = timer
        ok(.registers, "The energy counter of \(id) moves in steps, \(steps(timer)); \(count).")
      }
      let isStepping = if case .steps = movement { true } else { false }
      if map.countsEachCore {
        lookAtCores(package, isStepping: isStepping)
      } else {
        lookAtDomains(id, cpu: cpu, registers, map, model, units, isStepping: isStepping)
      }
      return true
    } catch {
      obstruct(.registers, .register(error))
      return false
    }
  }

  /// How a counter moves, found out in the same way as by the service.
  private func movement(
    _ address: UInt32, cpu: Int, _ registers: MachineRegisters
  ) throws(RegisterError) -> CounterProbe.Movement {
    try machine.movement { () throws(RegisterError) in
      try registers.read(address, cpu: cpu) & (EnergyCounter.registerRange - 1)
    }
  }

  /// AMD's only domain besides the package: a counter for each core.
  private mutating func lookAtCores(_ package: PackageCPUs, isStepping: Bool) {
    if let lack = package.coresLeftOut { return ok(.registers, lack) }
    if isStepping { ok(.registers, package.id.coresMayStep) }
  }

  /// Examines the domains beside the package.
  private mutating func lookAtDomains(
    _ id: PackageID, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel,
    _ units: UnitRegister, isStepping: Bool
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
          : domain != .psys || isStepping
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
