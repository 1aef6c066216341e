internal import CMSRShim
internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// The kernel's own reading of the counters.
  mutating func lookAtPowercap() {
    // The kernel's driver is for the same CPUs.
    guard let identity, !isOlderThanRAPL, RegisterMap(vendor: identity.vendor) != nil else { return }
    do {
      zones = try PowercapTree(root: machine.root, files: machine).entries(vendor: identity.vendor)
    } catch {
      let text = "There are no energy zones in \(machine.shown("\(machine.root)/sys/class/powercap"))"
      if !measuredBy.isEmpty { return ok(.powercap, "\(text); nothing needs them here.") }
      if announcesNoRAPL { return ok(.powercap, "\(text): the kernel has none for a CPU without energy registers.") }
      return obstruct(
        .powercap, "\(text).",
        fix: hypervisor == nil
          ? "sudo modprobe intel_rapl_msr (or intel_rapl_tpmi on the newest servers)" : "measure on the host.")
    }
    var isReadable = true
    for entry in zones where entry.zone.domain == .package {
      let file = "\(entry.folder)/energy_uj"
      let path = machine.shown(file)
      switch movement(file) {
      case .moves: break
      case .stands(let value):
        isReadable = false
        obstruct(
          .powercap, "\(path) does not move: it stays at \(value).", fix: "measure on the host, or update the firmware."
        )
      case .fails(EACCES):
        isReadable = false
        obstruct(.powercap, "\(path) is root's only.", fix: "sudo pkg-watt-stat doctor")
      case .fails(let errno):
        isReadable = false
        obstruct(.powercap, "\(path) cannot be read: \(errorText(errno)).", fix: "sudo modprobe intel_rapl_msr")
      }
    }
    guard isReadable, isWhole(zones, identity) else { return }
    let names = zones.map { $0.zone.domain == .package ? "\($0.zone.package)" : "\($0.zone.package) \($0.zone.domain)" }
    ok(.powercap, "Powercap's counters move: \(names.joined(separator: ", ")).")
    measuredBy.append("powercap")
  }

  private enum Movement {
    case moves
    case stands(UInt64)
    case fails(Int32)
  }

  /// Reads an energy until it has changed, 100 ms at most.
  private func movement(_ path: String) -> Movement {
    var poll = cmsr_monotonic_nanoseconds()
    let end = poll + 100_000_000
    var first: UInt64?
    while true {
      switch machine.energy(ofZone: path) {
      case .failure(let error): return .fails(error.errno)
      case .success(let value):
        if let first, value != first { return .moves }
        guard poll < end else { return .stands(value) }
        first = value
      }
      poll += 1_000_000
      cmsr_sleep_until(poll)
    }
  }
}
