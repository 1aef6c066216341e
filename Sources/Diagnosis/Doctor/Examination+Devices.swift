internal import PowerSources
internal import RAPL

extension Examination {
  /// Examines the kernel's msr nodes, and the rights that are needed to read them.
  mutating func lookAtDevices() {
    lookAtCapability()
    guard !packages.isEmpty, hasRegisters else { return }
    // Opened even if they are not needed, because a capture has to show whether they exist.
    let registers = MachineRegisters(machine, cpus: packages.flatMap(\.cpus))
    if announcesNoRAPL {
      return skip(.devices, "The kernel's msr nodes are not needed for this CPU (see CPU above).")
    }
    let tree = machine.tree
    if let error = SourceError.locked(
      packages, registers.openErrors, path: tree.msrPath, ownMachine: tree.isMachine)
    {
      if case .lockedDown? = identity.map({ EnergySources.cause(of: error, $0, tree) }) {
        return obstruct(.lockdown, error)
      }
      obstruct(.devices, error)
    } else {
      let opened = packages.flatMap(\.cpus).filter { registers.openErrors[$0] == nil }.sorted()
      let failed = registers.openErrors.keys.sorted()
      ok(
        .devices,
        "The msr nodes of \(names(of: opened)) can be opened"
          + (failed.isEmpty ? "." : "; those of \(names(of: failed)) cannot, but they are not needed."))
      self.registers = registers
    }
    lookAtLockdown()
  }

  /// Whether the CPU may have registers at all, even if it does not announce them.
  private var hasRegisters: Bool {
    !isOlderThanRAPL
      && identity.map { RegisterMap(vendor: $0.vendor) != nil && CPUModel($0).hasRegisters } ?? false
  }

  /// Whether this process runs as root; nil if that is unknown. Source: proc(5): the second user number is the effective one.
  var isRoot: Bool? {
    let users = ownStatus("Uid")
    return users.count < 2 ? nil : users[1] == "0"
  }

  /// The words of a line in this process's /proc/self/status.
  private func ownStatus(_ name: String) -> [Substring] {
    let status = try? machine.text("\(machine.root)/proc/self/status")
    let line = status?.split(separator: "\n").first { $0.hasPrefix("\(name):") } ?? ""
    return Array(line.split(whereSeparator: \.isWhitespace).dropFirst())
  }

  private mutating func lookAtCapability() {
    switch surroundings.hasRawIO {
    case true? where surroundings.isInUserNamespace:
      let text = "This process has CAP_SYS_RAWIO only in a user namespace"
      if identity != nil && map == nil {
        return skip(.capability, "\(text). It is not needed for this CPU (see CPU above).")
      }
      lackRights(
        "\(text), which is not enough to open registers.",
        SourceError.namespaceRoot(path: "").remedy(circumstances) ?? "")
    case true?: ok(.capability, "This process has CAP_SYS_RAWIO, which is needed to open registers.")
    case false? where identity != nil && map == nil:
      skip(.capability, "This process does not have CAP_SYS_RAWIO. It is not needed for this CPU (see CPU above).")
    case false?:
      let text = "This process does not have CAP_SYS_RAWIO, which is needed to open registers."
      switch (isRoot, container) {
      case (false?, nil): lackRights(text, "run it as root: sudo pkg-watt-stat doctor")
      case (false?, _?):
        lackRights(
          text,
          "run it as root; if the capability is still missing, the doctor then says how to give it to the container.")
      case (_, nil): lackRights(text, "run it as root with this capability.")
      case (_, _?): lackRights(text, "give the container the capability: --cap-add SYS_RAWIO")
      }
    case nil: break
    }
  }

  private mutating func lackRights(_ text: String, _ fix: String) {
    rightsFix = fix
    obstruct(.capability, text, fix: fix)
  }

  private mutating func lookAtLockdown() {
    guard let text = try? machine.text("\(machine.root)/sys/kernel/security/lockdown"), text.contains("[") else {
      return
    }
    guard let mode = surroundings.lockdown else { return ok(.lockdown, "The kernel is not locked down.") }
    if registers != nil {
      return ok(.lockdown, "The kernel is locked down (\(mode)), but registers can still be read.")
    }
    // Something else has kept the registers shut, and whether this would is not known.
    warn(
      .lockdown, "The kernel is locked down (\(mode)); some such kernels do not let even root read registers.",
      fix: SourceError.lockedDown(path: "", mode: mode).remedy(circumstances))
  }
}
