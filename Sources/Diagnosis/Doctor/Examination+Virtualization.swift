internal import PowerSources

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
    container = surroundings.container
  }

  /// What stands between the counters and this process. The service asks the same.
  var surroundings: Surroundings { Surroundings(root: machine.root, files: machine) }

  /// That it is a container, and what to give it: for that the packages have to be known.
  mutating func lookAtContainer() {
    guard let container else { return }
    warn(
      .container, "This is a container (\(container)): /dev/cpu and CAP_SYS_RAWIO are its host's to give.",
      fix: "run the service on the host and share /run/pkg-watt-stat; or give: \(Surroundings.devices(packages))")
  }
}
