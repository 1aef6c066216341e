internal import PowerSources

extension Examination {
  /// Examines the virtual machine and the container, if there are any.
  mutating func lookAtVirtualization() {
    if let hypervisor {
      let name = hypervisor == Hypervisor.unknown ? "" : " (\(hypervisor))"
      obstruct(
        .virtualMachine, "This is a virtual machine\(name). Hypervisors usually hide the energy registers.",
        fix: "run pkg-watt-stat on the host.")
    } else if identity != nil {
      ok(.virtualMachine, "This is not a virtual machine.")
    }
    container = surroundings.container
  }

  /// What separates this process from the counters. The service checks the same.
  var surroundings: Surroundings { Surroundings(root: machine.root, files: machine) }

  /// Reports a container, and what it needs. This needs the packages first.
  mutating func lookAtContainer() {
    guard let container else { return }
    warn(
      .container, "This is a container (\(container)). Only its host can give it /dev/cpu and CAP_SYS_RAWIO.",
      fix:
        "run the service on the host and share /run/pkg-watt-stat; or give the container: \(Surroundings.devices(packages))"
    )
  }
}
