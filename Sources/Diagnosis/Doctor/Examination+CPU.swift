internal import PowerSources
internal import RAPL

extension Examination {
  /// Examines the CPU and what is known of its model.
  mutating func lookAtCPU() {
    // Read even if the CPU itself can be asked, because a capture needs it.
    let cpuinfo = try? machine.text("\(machine.root)/proc/cpuinfo")
    if cpuinfo.map(Surroundings.showsHypervisor) == true {
      hypervisor = machine.answer("hypervisor") { machine.isOwn ? Hypervisor.name : nil } ?? Hypervisor.unknown
    }
    if hypervisor == nil { hypervisor = surroundings.hypervisor }
    do {
      identity = try machine.tree.identity()
    } catch {
      return obstruct(.cpu, error)
    }
    guard let identity else { return }
    let model = CPUModel(identity)
    isOlderThanRAPL = model.standing == .olderThanRAPL && !hasUnits(identity)
    switch RegisterMap(vendor: identity.vendor) {
    case _ where isOlderThanRAPL:
      obstruct(.cpu, .olderThanRAPL(identity))
    case nil: obstruct(.cpu, .unknownVendor(identity))
    case .amd? where !identity.announcesRAPL: obstruct(.cpu, .notAnnounced(identity))
    // What it can be measured with has findings of its own.
    case _ where !model.hasRegisters: ok(.cpu, SourceError.noRegisters(identity).reason)
    case _ where !model.isKnown:
      warn(
        .cpu, "\(identity) is not in the table of models: its units come from its unit register alone.",
        fix:
          "check the watts with sudo pkg-watt-stat cross-check, and send us a capture: sudo pkg-watt-stat doctor --capture DIR"
      )
    case let map?:
      ok(.cpu, "\(identity) is a known model with energy registers\(Self.domains(model, map)).")
      for quirk in Self.quirks(model, map) { ok(.cpu, quirk) }
    }
  }

  /// Whether a CPU's unit register is not 0: a hypervisor may show an old model and emulate the registers.
  private func hasUnits(_ identity: CPUIdentity) -> Bool {
    guard let map = RegisterMap(vendor: identity.vendor),
      let cpu = (try? machine.tree.places())?.first?.cpu
    else { return false }
    return (try? MachineRegisters(machine, cpus: [cpu]).read(map.units, cpu: cpu)).map { $0 != 0 } ?? false
  }

  private static func domains(_ model: CPUModel, _ map: RegisterMap) -> String {
    guard let domains = model.domains else { return "; its registers tell which domains it has" }
    let names = PowerDomain.allCases.filter { $0 == .package || domains.contains($0) }.map { "\($0)" }
    return " for \(names.joined(separator: ", "))"
  }

  /// Facts about a model's units.
  private static func quirks(_ model: CPUModel, _ map: RegisterMap) -> [String] {
    var quirks: [String] = []
    if model.unit == .registerMicrojoules {
      quirks.append("This model's unit register counts in microjoules (2^ESU uJ), not in parts of a joule.")
    }
    if model.dramUnit == .fixed15Microjoules {
      quirks.append("This model's DRAM unit is always 15.3 uJ (2^-16 J); its unit register is not used.")
    }
    if model.psysUnit == .fixedJoule {
      quirks.append("This model's psys unit is always 1 J; its unit register is not used.")
    }
    if map == .amd {
      quirks.append(
        "AMD has a core counter in each core. They are read only while a client asks for domains. The package's counter includes them."
      )
    }
    return quirks
  }
}
