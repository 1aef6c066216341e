extension Examination {
  /// Virtual machine and container.
  mutating func lookAtVirtualization() {
    if let hypervisor {
      let name = hypervisor == Hypervisor.unknown ? "" : " (\(hypervisor))"
      obstruct(
        .virtualMachine, "This is a virtual machine\(name): hypervisors keep the energy registers to themselves.",
        fix: "run pkg-watt-stat on the host.")
    } else if identity != nil {
      ok(.virtualMachine, "This is no virtual machine.")
    }
    container = containerManager
    guard let container else { return }
    warn(
      .container, "This is a container (\(container)): /dev/cpu and CAP_SYS_RAWIO are its host's to give.",
      fix:
        "run the service on the host and share /run/pkg-watt-stat; or give: --device /dev/cpu/0/msr --cap-add SYS_RAWIO"
    )
  }

  /// What the container managers leave for programs to see.
  private var containerManager: String? {
    if machine.has("\(machine.root)/.dockerenv") { return "Docker" }
    if machine.has("\(machine.root)/run/.containerenv") { return "Podman" }
    guard let name = try? machine.text("\(machine.root)/run/systemd/container") else { return nil }
    return name.split(whereSeparator: \.isWhitespace).first.map(String.init)
  }
}
