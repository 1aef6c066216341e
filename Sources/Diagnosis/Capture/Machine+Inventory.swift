internal import PowerSources
internal import RAPL

extension Machine {
  /// Reads everything that others need to tell what this machine is and why it is measured as it is, even if the doctor did
  /// not need it, so that a capture contains it. A missing file is recorded as missing.
  ///
  /// Nothing in it identifies a person, a network or a single device: it holds no serial numbers.
  public func takeInventory() {
    note("/proc/cpuinfo", "/proc/self/status", "/proc/sys/kernel/osrelease", "/sys/hypervisor/type")
    noteCPUs()
    noteNodes()
    noteBoard()
    // Twice, to see whether they move.
    for _ in 0..<2 {
      noteZones()
      noteRegisters()
    }
  }

  /// Reads files for the record.
  private func note(_ paths: String...) {
    for path in paths { _ = try? text(root + path) }
  }

  /// The names in a folder, in order.
  private func list(_ folder: String) -> [String] { ((try? names(in: root + folder)) ?? []).sorted() }

  private func noteCPUs() {
    let folder = "/sys/devices/system/cpu"
    for name in ["online", "present", "possible", "offline", "isolated", "nohz_full", "kernel_max", "smt/control"] {
      note("\(folder)/\(name)")
    }
    for cpu in list(folder) where Self.isNumbered(cpu, "cpu") {
      note("\(folder)/\(cpu)/online")
      // Its entries include the NUMA node.
      _ = list("\(folder)/\(cpu)")
      for name in list("\(folder)/\(cpu)/topology") { note("\(folder)/\(cpu)/topology/\(name)") }
    }
    note("/sys/devices/cpu_core/cpus", "/sys/devices/cpu_atom/cpus", "/sys/fs/cgroup/cpuset.cpus.isolated")
    _ = list("/dev/cpu")
  }

  private func noteNodes() {
    let folder = "/sys/devices/system/node"
    for node in list(folder) where Self.isNumbered(node, "node") {
      note("\(folder)/\(node)/cpulist", "\(folder)/\(node)/distance")
    }
  }

  /// Reads what identifies a virtual machine: the maker of the board, the firmware and the devices.
  private func noteBoard() {
    for name in ["sys_vendor", "product_name", "product_version", "board_vendor", "board_name", "bios_vendor"] {
      note("/sys/class/dmi/id/\(name)")
    }
    for device in list("/sys/bus/pci/devices") { note("/sys/bus/pci/devices/\(device)/vendor") }
  }

  private func noteZones() {
    let folder = "/sys/class/powercap"
    // Whether zones are TPMI's.
    _ = list("/sys/bus/auxiliary/devices")
    for zone in list(folder) where zone.hasPrefix("intel-rapl") {
      for name in ["name", "enabled", "max_energy_range_uj", "constraint_0_max_power_uw"] {
        note("\(folder)/\(zone)/\(name)")
      }
      let energy = "\(root)\(folder)/\(zone)/energy_uj"
      for path in ["\(root)\(folder)/\(zone)/name", energy] { _ = try? permissions(path) }
      // The control type itself has no energy.
      if zone.contains(":") { _ = self.energy(ofZone: energy) }
    }
  }

  /// Reads units, limits and counters, also of each die.
  private func noteRegisters() {
    guard let identity = try? tree.identity(), let map = RegisterMap(vendor: identity.vendor),
      let places = try? tree.places()
    else { return }
    let registers = MachineRegisters(self, cpus: places.map(\.cpu))
    for place in places { _ = try? permissions(tree.msrPath(cpu: place.cpu)) }
    for die in PackageCPUs.group(places, by: .intel) {
      guard let cpu = die.cpus.first(where: { registers.openErrors[$0] == nil }) else { continue }
      let limits = LimitModel(identity).registers.map(\.rawValue).sorted()
      for address in map.inventory + limits { _ = try? registers.read(address, cpu: cpu) }
    }
  }

  private static func isNumbered(_ name: String, _ word: String) -> Bool {
    name.hasPrefix(word) && Int(name.dropFirst(word.count)) != nil
  }
}

extension RegisterMap {
  /// Registers that affect how a package is measured. Source: Intel SDM volume 4: IA32_MISC_PACKAGE_CTLS.
  fileprivate var inventory: [UInt32] {
    let energies = PowerDomain.allCases.compactMap { energy(of: $0) }
    return [units] + energies + (self == .intel ? [0xBC] : [])
  }
}
