internal import CMSRShim
internal import PowerSources
internal import RAPL

extension Examination {
  /// How long a counter gets to move: it does so about every millisecond.
  private static let patienceNanoseconds: Int64 = 100_000_000
  /// IA32_MISC_PACKAGE_CTLS; its bit 0 is ENERGY_FILTERING_ENABLE. Source: Intel SDM volume 4.
  private static let packageControls: UInt32 = 0xBC

  /// Units, counters and domains.
  mutating func lookAtRegisters() {
    guard let map, let identity, let registers else { return }
    let model = CPUModel(identity)
    var areAllMoving = true
    for package in packages {
      guard let cpu = package.cpus.first(where: { registers.openErrors[$0] == nil }) else { continue }
      let isMoving = lookAt(package.id, cpu: cpu, registers, map, model)
      areAllMoving = areAllMoving && isMoving
    }
    guard areAllMoving, isWhole(registers, identity, map) else { return }
    measuredBy.append("its msr registers")
    if map == .intel { lookAtFiltering(registers) }
  }

  /// - Returns: whether the package's counter can be measured by.
  private mutating func lookAt(
    _ id: PackageID, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel
  ) -> Bool {
    do {
      let value = try registers.read(map.units, cpu: cpu)
      let name = "\(hexadecimal(map.units)) of \(id)"
      guard let units = UnitRegister(value), let address = map.energy(of: .package) else {
        obstruct(.registers, "The unit register \(name) reads 0: there is no RAPL behind it.", fix: elsewhere)
        return false
      }
      let unit = units.energyUnit(of: .package, on: model)
      let origin = unit.source == .register ? "its unit register" : "the table of models"
      guard let (first, last) = try values(address, cpu: cpu, registers) else {
        obstruct(.registers, "The energy counter of \(id) reads 0.", fix: elsewhere)
        return false
      }
      guard first != last else {
        obstruct(.registers, "The energy counter of \(id) does not move: it stays at \(first).", fix: elsewhere)
        return false
      }
      ok(.registers, "The energy counter of \(id) moves; a count is \(energy(unit)) by \(origin).")
      lookAtDomains(id, cpu: cpu, registers, map, model, units)
      return true
    } catch {
      obstruct(.registers, told(.register(error)), fix: elsewhere)
      return false
    }
  }

  private var elsewhere: String {
    hypervisor == nil ? "switch RAPL on in the firmware, or update it." : "measure on the host."
  }

  /// What a counter reads first and, as soon as it has moved, then; nil for zeros.
  private func values(
    _ address: UInt32, cpu: Int, _ registers: MachineRegisters
  ) throws(RegisterError) -> (first: UInt32, last: UInt32)? {
    let start = cmsr_monotonic_nanoseconds()
    let first = UInt32(truncatingIfNeeded: try registers.read(address, cpu: cpu))
    var poll = start
    var last = first
    while last == first || last == 0 {
      guard poll < start + Self.patienceNanoseconds else { break }
      poll += 1_000_000
      cmsr_sleep_until(poll)
      last = UInt32(truncatingIfNeeded: try registers.read(address, cpu: cpu))
    }
    return last == 0 ? nil : (first, last)
  }

  /// The domains besides the package.
  private mutating func lookAtDomains(
    _ id: PackageID, cpu: Int, _ registers: MachineRegisters, _ map: RegisterMap, _ model: CPUModel,
    _ units: UnitRegister
  ) {
    // AMD's only one is a counter for each core.
    guard map == .intel else { return }
    var there: [String] = []
    var missing: [String] = []
    for domain in PowerDomain.allCases where domain != .package {
      guard let address = map.energy(of: domain) else { continue }
      let value = (try? registers.read(address, cpu: cpu)).map { UInt32(truncatingIfNeeded: $0) }
      if let value, value != 0 {
        there.append("\(domain) (\(energy(units.energyUnit(of: domain, on: model))))")
      } else {
        missing.append("\(domain) (\(value == nil ? "EIO" : "0"))")
      }
    }
    let lacks = missing.joined(separator: ", ")
    ok(
      .registers,
      there.isEmpty
        ? "There are no further counters of \(id): not \(lacks)."
        : "Further counters of \(id): \(there.joined(separator: ", "))\(missing.isEmpty ? "" : "; not \(lacks)").")
  }

  private mutating func lookAtFiltering(_ registers: MachineRegisters) {
    // A CPU without the register faults, and filters nothing.
    guard let cpu = packages.first?.cpus.first(where: { registers.openErrors[$0] == nil }),
      let value = try? registers.read(Self.packageControls, cpu: cpu)
    else { return }
    if value & 1 == 0 { return ok(.registers, "Energy filtering is off (0xBC bit 0).") }
    warn(
      .registers, "Energy filtering is on (0xBC bit 0): the CPU blurs its counters against spying.",
      fix: "nothing; means over a second hardly show it, shorter intervals do.")
  }

  private func energy(_ unit: EnergyUnit) -> String {
    unit.joulesPerCount >= 1
      ? fixed(unit.joulesPerCount, places: 0) + " J" : fixed(unit.joulesPerCount * 1e6, places: 1) + " uJ"
  }

  private func hexadecimal(_ address: UInt32) -> String { "0x" + String(address, radix: 16, uppercase: true) }
}
