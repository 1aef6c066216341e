internal import PowerSources
internal import RAPL

extension Examination {
  /// Who the CPU is, and what is known of it.
  mutating func lookAtCPU() {
    // Read also where the CPU itself is asked: a capture has to have it.
    let cpuinfo = try? machine.text("\(machine.root)/proc/cpuinfo")
    if cpuinfo.map(Self.showsHypervisor) == true {
      hypervisor = machine.answer("hypervisor") { machine.isOwn ? Hypervisor.name : nil } ?? Hypervisor.unknown
    }
    if hypervisor == nil { hypervisor = surroundings.hypervisor }
    do {
      identity = try MachineTree(root: machine.root, files: machine).identity()
    } catch {
      return obstruct(.cpu, told(error), fix: "mount /proc, or give --root a folder with a proc/cpuinfo.")
    }
    guard let identity else { return }
    let model = CPUModel(identity)
    let onHost = hypervisor == nil ? nil : "measure on the host: a virtual machine has no energy registers of its own."
    isOlderThanRAPL = model.standing == .olderThanRAPL && !hasUnits(identity)
    switch RegisterMap(vendor: identity.vendor) {
    case _ where isOlderThanRAPL:
      obstruct(
        .cpu, "\(identity) is older than RAPL: Intel has it since Sandy Bridge, AMD since Zen.",
        fix: onHost ?? "none for this CPU; its board may have a power meter of its own.")
    case nil:
      obstruct(
        .cpu, "\(identity): only Intel, AMD and Hygon CPUs are known to have energy registers.",
        fix:
          "none for this CPU, unless powercap has its energy (see below); its board may have a power meter of its own.")
    case .amd? where !identity.announcesRAPL:
      obstruct(
        .cpu, "\(identity) does not announce RAPL (CPUID 80000007h EDX bit 14), so it shows no energy registers.",
        fix: onHost ?? "look for a firmware update; AMD's family 17h (Zen) and later have them.")
    case _ where !model.hasRegisters:
      obstruct(.cpu, "\(identity) has no energy registers; its energy is in powercap only.", fix: "see powercap below.")
    case _ where !model.isKnown:
      warn(
        .cpu, "\(identity) is not in the table of models: its units are taken from its unit register alone.",
        fix:
          "compare with: sudo pkg-watt-stat cross-check; and send us a capture: sudo pkg-watt-stat doctor --capture DIR"
      )
    case let map?:
      ok(.cpu, "\(identity): a known model with energy registers\(Self.domains(model, map)).")
      for quirk in Self.quirks(model, map) { ok(.cpu, quirk) }
    }
  }

  /// Whether a CPU's unit register holds something: a hypervisor may show an old model and emulate the registers.
  private func hasUnits(_ identity: CPUIdentity) -> Bool {
    guard let map = RegisterMap(vendor: identity.vendor),
      let cpu = (try? MachineTree(root: machine.root, files: machine).places())?.first?.cpu
    else { return false }
    return (try? MachineRegisters(machine, cpus: [cpu]).read(map.units, cpu: cpu)).map { $0 != 0 } ?? false
  }

  /// Whether the first processor of a cpuinfo has the flag by which a CPU says that it is not real.
  private static func showsHypervisor(_ cpuinfo: String) -> Bool {
    let flags = cpuinfo.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    return flags.split(whereSeparator: \.isWhitespace).contains("hypervisor")
  }

  private static func domains(_ model: CPUModel, _ map: RegisterMap) -> String {
    guard let domains = model.domains else { return "; which domains it has, only they can tell" }
    let names = PowerDomain.allCases.filter { $0 == .package || domains.contains($0) }.map { "\($0)" }
    return ", of \(names.joined(separator: ", "))"
  }

  /// What is to be known of a model's numbers.
  private static func quirks(_ model: CPUModel, _ map: RegisterMap) -> [String] {
    var quirks: [String] = []
    if model.unit == .registerMicrojoules {
      quirks.append("This model's unit register counts in microjoules (2^ESU uJ), not in parts of a joule.")
    }
    if model.dramUnit == .fixed15Microjoules {
      quirks.append("This model's DRAM unit is 15.3 uJ (2^-16 J), whatever its unit register says.")
    }
    if model.psysUnit == .fixedJoule {
      quirks.append("This model's psys unit is 1 J, whatever its unit register says.")
    }
    if map == .amd {
      quirks.append(
        "AMD's core energy is one counter for each core: all are read, but only while somebody asks for domains; the package's contains it."
      )
    }
    return quirks
  }
}
