internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Examines the kernel's msr nodes, and the rights that are needed to read them.
  mutating func lookAtDevices() {
    lookAtCapability()
    guard !packages.isEmpty, hasRegisters else { return }
    // Opened even if they are not needed, because a capture has to show whether they exist.
    let registers = MachineRegisters(machine, cpus: packages.flatMap(\.cpus))
    if announcesNoRAPL {
      return ok(.devices, "The kernel's msr nodes are not needed: this CPU has no energy registers.")
    }
    let locked = packages.first { package in package.cpus.allSatisfy { registers.openErrors[$0] != nil } }
    if let cpu = locked?.cpus.first, let errno = registers.openErrors[cpu] {
      obstructDevice("\(machine.root)/dev/cpu/\(cpu)/msr", errno)
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

  private mutating func obstructDevice(_ node: String, _ errno: Int32) {
    let path = machine.shown(node)
    switch errno {
    case ENOENT where container != nil || machine.has("\(machine.root)/sys/module/msr"):
      obstruct(
        .devices,
        machine.has("\(machine.root)/sys/module/msr")
          ? "\(path) does not exist, although the kernel's msr module is loaded: this is a container, or its /dev is incomplete."
          : "\(path) does not exist in this container. Nothing here shows whether the host has loaded the msr module.",
        fix: "run the service on the host, or give the container the nodes: \(Surroundings.devices(packages))")
    case ENOENT:
      obstruct(
        .devices, "\(path) does not exist: the kernel's msr module is not loaded.",
        fix: (hypervisor == nil ? "" : "measure on the host; or, if this hypervisor passes on the registers: ")
          + "sudo modprobe msr (at every start: echo msr | sudo tee /etc/modules-load.d/msr.conf)")
    case EACCES where surroundings.isNamespaceRoot, EPERM where surroundings.isNamespaceRoot:
      obstruct(
        .devices, "\(path) cannot be opened: this process is root only in a user namespace, not on the machine.",
        fix: "run it outside of the namespace, as the machine's root.")
    case EACCES:
      let owner = (try? machine.permissions(node)).map { permissions in
        " (mode \(String(permissions.mode, radix: 8)), user \(permissions.user), group \(permissions.group))"
      }
      obstruct(
        .devices, "\(path) cannot be opened by this user, because of its permissions\(owner ?? "").",
        fix: "sudo pkg-watt-stat doctor")
    case EPERM:
      obstruct(
        .devices, "\(path) cannot be opened: the kernel does not allow it (EPERM).",
        fix: hasCapability == false
          ? "run as root, or with CAP_SYS_RAWIO (see above)."
          : "run it outside of a container, and on a kernel without lockdown (see below).")
    default:
      let error = SourceError.cannotOpen(path: path, errno: errno, ownMachine: machine.isOwn)
      obstruct(.devices, "\(error)", fix: "bring a CPU of that package online, and run the doctor again.")
    }
  }

  /// Whether the CPU may have registers at all, even if it does not announce them.
  private var hasRegisters: Bool {
    !isOlderThanRAPL
      && identity.map { RegisterMap(vendor: $0.vendor) != nil && CPUModel($0).hasRegisters } ?? false
  }

  /// Whether this process has CAP_SYS_RAWIO, which the msr driver demands; nil if that is unknown.
  private var hasCapability: Bool? {
    guard let word = ownStatus("CapEff").first, let capabilities = UInt64(word, radix: 16) else { return nil }
    return capabilities >> UInt64(17) & 1 == 1
  }

  /// Whether this process runs as root; nil if that is unknown. Source: proc(5): the second user number is the effective one.
  private var isRoot: Bool? {
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
    switch hasCapability {
    case true? where surroundings.isInUserNamespace:
      let text = "This process has CAP_SYS_RAWIO only in a user namespace"
      if identity != nil && map == nil {
        return ok(.capability, "\(text). It is not needed: this CPU has no energy registers.")
      }
      obstruct(
        .capability, "\(text), which is not enough to open registers.",
        fix: "run it outside of the namespace, as the machine's root.")
    case true?: ok(.capability, "This process has CAP_SYS_RAWIO, which is needed to open registers.")
    case false? where identity != nil && map == nil:
      ok(.capability, "This process does not have CAP_SYS_RAWIO. It is not needed: this CPU has no energy registers.")
    case false?:
      let text = "This process does not have CAP_SYS_RAWIO, which is needed to open registers."
      switch (isRoot, container) {
      case (false?, nil): obstruct(.capability, text, fix: "run it as root: sudo pkg-watt-stat doctor")
      case (false?, _?):
        obstruct(
          .capability, text,
          fix:
            "run it as root; if the capability is still missing, the doctor then says how to give it to the container.")
      case (_, nil): obstruct(.capability, text, fix: "run it as root with this capability.")
      case (_, _?): obstruct(.capability, text, fix: "give the container the capability: --cap-add SYS_RAWIO")
      }
    case nil: break
    }
  }

  private mutating func lookAtLockdown() {
    guard let text = try? machine.text("\(machine.root)/sys/kernel/security/lockdown"),
      let start = text.firstIndex(of: "["), let end = text[start...].firstIndex(of: "]")
    else { return }
    let mode = text[text.index(after: start)..<end]
    if mode == "none" { return ok(.lockdown, "The kernel is not locked down.") }
    if registers != nil {
      return ok(.lockdown, "The kernel is locked down (\(mode)), but registers can still be read.")
    }
    obstruct(
      .lockdown, "The kernel is locked down (\(mode)); some kernels then let nobody read registers.",
      fix: "switch Secure Boot off in the firmware, or use powercap (see below).")
  }
}
