internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// The kernel's msr nodes, and the rights that reading them takes.
  mutating func lookAtDevices() {
    lookAtCapability()
    guard !packages.isEmpty, hasRegisters else { return }
    // Opened also where they are of no use: a capture has to tell whether they are there.
    let registers = MachineRegisters(machine, cpus: packages.flatMap(\.cpus))
    if announcesNoRAPL {
      return ok(.devices, "The kernel's msr nodes are of no use here: this CPU has no energy registers.")
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
          + (failed.isEmpty ? "." : "; not those of \(names(of: failed)), and they are not needed."))
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
          ? "There is no \(path), though the kernel's msr module is there: /dev shows not all, as in a container."
          : "There is no \(path): this container does not have it, whether or not its host's kernel has loaded its msr module.",
        fix: "run on the host, or hand the nodes in: \(Surroundings.devices(packages))")
    case ENOENT:
      obstruct(
        .devices, "There is no \(path): the kernel's msr module is not loaded.",
        fix: (hypervisor == nil ? "" : "measure on the host; only if this hypervisor passes the registers on: ")
          + "sudo modprobe msr (at every start: echo msr | sudo tee /etc/modules-load.d/msr.conf)")
    case EACCES where surroundings.isNamespaceRoot, EPERM where surroundings.isNamespaceRoot:
      obstruct(
        .devices, "\(path) cannot be opened: this is root of a user namespace, not of the machine.",
        fix: "run it outside of the namespace, as the machine's root.")
    case EACCES:
      let owner = (try? machine.permissions(node)).map { permissions in
        " (mode \(String(permissions.mode, radix: 8)), user \(permissions.user), group \(permissions.group))"
      }
      obstruct(
        .devices, "\(path) cannot be opened by this user: its permissions forbid it\(owner ?? "").",
        fix: "sudo pkg-watt-stat doctor")
    case EPERM:
      obstruct(
        .devices, "\(path) cannot be opened: the kernel does not allow it (EPERM).",
        fix: hasCapability == false
          ? "run as root, or with CAP_SYS_RAWIO (see above)."
          : "run outside of a container, on a kernel without lockdown (see below).")
    default:
      let error = SourceError.cannotOpen(path: path, errno: errno, ownMachine: machine.isOwn)
      obstruct(.devices, "\(error)", fix: "bring a CPU of that package online, and look again.")
    }
  }

  /// Whether the CPU may have registers at all, announced or not.
  private var hasRegisters: Bool {
    !isOlderThanRAPL
      && identity.map { RegisterMap(vendor: $0.vendor) != nil && CPUModel($0).hasRegisters } ?? false
  }

  /// Whether this process has CAP_SYS_RAWIO, which the msr driver asks for; nil where nothing tells.
  private var hasCapability: Bool? {
    guard let word = ownStatus("CapEff").first, let capabilities = UInt64(word, radix: 16) else { return nil }
    return capabilities >> UInt64(17) & 1 == 1
  }

  /// Whether this process runs as root; nil if nothing tells. Source: proc(5), of the user numbers the second is the effective.
  private var isRoot: Bool? {
    let users = ownStatus("Uid")
    return users.count < 2 ? nil : users[1] == "0"
  }

  /// The words of a line that the kernel has of this process.
  private func ownStatus(_ name: String) -> [Substring] {
    let status = try? machine.text("\(machine.root)/proc/self/status")
    let line = status?.split(separator: "\n").first { $0.hasPrefix("\(name):") } ?? ""
    return Array(line.split(whereSeparator: \.isWhitespace).dropFirst())
  }

  private mutating func lookAtCapability() {
    switch hasCapability {
    case true? where map != nil && surroundings.isNamespaceRoot:
      obstruct(
        .capability, "This process has CAP_SYS_RAWIO in a user namespace only; opening registers takes the machine's.",
        fix: "run it outside of the namespace, as the machine's root.")
    case true?: ok(.capability, "This process has CAP_SYS_RAWIO, which opening registers takes.")
    case false? where identity != nil && map == nil:
      ok(.capability, "This process lacks CAP_SYS_RAWIO, which is of no use here: this CPU has no energy registers.")
    case false?:
      let text = "This process lacks CAP_SYS_RAWIO, which opening registers takes."
      switch (isRoot, container) {
      case (false?, nil): obstruct(.capability, text, fix: "run it as root: sudo pkg-watt-stat doctor")
      case (false?, _?):
        obstruct(
          .capability, text, fix: "run it as root; if root lacks it too, this says how to give it to the container.")
      case (_, nil): obstruct(.capability, text, fix: "run it as a root that has this capability.")
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
      return ok(.lockdown, "The kernel is locked down (\(mode)); this one lets registers be read all the same.")
    }
    obstruct(
      .lockdown, "The kernel is locked down (\(mode)), and some kernels then let nobody read registers.",
      fix: "switch Secure Boot off in the firmware, or let powercap measure (see below).")
  }
}
