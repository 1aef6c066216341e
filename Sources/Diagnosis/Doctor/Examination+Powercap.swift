internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Examines the kernel's own reading of the counters.
  mutating func lookAtPowercap() {
    guard let identity else { return }
    let tree = PowercapTree(root: machine.root, files: machine)
    do {
      let found = try machine.tree.zones(vendor: identity.vendor)
      zones = found.entries
      for folder in found.offline {
        // For the record.
        _ = machine.energy(ofZone: "\(folder)/energy_uj")
        warn(
          .powercap, "\(PowercapTree.ofOfflinePackage(machine.shown(folder))).",
          fix: "bring it online, and restart the service.")
      }
    } catch {
      if case .repeatedZone = error { return obstruct(.powercap, "\(error)", fix: "sudo modprobe msr") }
      if case .energyFile = error, !isOlderThanRAPL { return obstructZone(error) }
      return lookAtLackOfZones(identity, error)
    }
    var isReadable = true
    var moving: [String] = []
    var others: [String] = []
    var isStepping = false
    for entry in zones {
      do {
        _ = try tree.range(of: entry)
        if entry.zone.domain == .package {
          let movement = try movement(entry)
          if case .steps = movement { isStepping = true }
          if isStanding(movement, entry) { isReadable = false }
          moving.append("\(entry.zone.package)")
        } else {
          let first = try energy(entry)
          // One that is idle may stand still, but no platform.
          if entry.zone.domain == .psys, !isStepping, !PlatformWatch.moves(from: first, { try? energy(entry) }) {
            ok(.powercap, "The psys counter of \(entry.zone.package) does not move, so it is not measured.")
            continue
          }
          if entry.zone.domain == .psys { platformZones.append(entry) }
          others.append("\(entry.zone.package) \(entry.zone.domain)")
        }
      } catch  where entry.zone.domain == .package {
        isReadable = false
        obstructZone(error)
      } catch {
        let text = toldOfZone(error).text
        warn(.powercap, "The \(entry.zone.domain) counter of \(entry.zone.package) is not measured. \(text)")
      }
    }
    guard isReadable, isWhole(zones, identity) else { return }
    let rest = others.isEmpty ? "" : "; these can also be read: \(others.joined(separator: ", "))"
    ok(.powercap, "Powercap's counters move: \(moving.joined(separator: ", "))\(rest).")
    lookAtPlatformZones()
    measuredBy.append("powercap")
  }

  private mutating func lookAtLackOfZones(_ identity: CPUIdentity, _ error: SourceError) {
    if isOlderThanRAPL { return }
    let text = "There are no energy zones in \(machine.shown("\(machine.root)/sys/class/powercap"))"
    if !measuredBy.isEmpty { return ok(.powercap, "\(text), but they are not needed here.") }
    if RegisterMap(vendor: identity.vendor) == nil || announcesNoRAPL {
      return ok(.powercap, "\(text): the kernel has none for a CPU without energy registers.")
    }
    if case .maskedPowercap = error {
      let folder = machine.shown("\(machine.root)/sys/class/powercap")
      return obstruct(
        .powercap, "The energy zones in \(folder) are broken links: a container hides them.",
        fix:
          "run the service on the host and share /run/pkg-watt-stat; or give the container: \(Surroundings.devices(packages))"
      )
    }
    if container != nil { return obstruct(.powercap, "\(text).", fix: "run the service on the host (see above).") }
    if surroundings.isNamespaceRoot {
      return obstruct(.powercap, "\(text).", fix: "run it outside of the namespace, as the machine's root.")
    }
    obstruct(
      .powercap, "\(text).",
      fix: hypervisor == nil
        ? "sudo modprobe intel_rapl_msr (or intel_rapl_tpmi on the newest servers)" : "measure on the host.")
  }

  /// How a package's zone moves.
  private func movement(_ entry: PowercapTree.Entry) throws(SourceError) -> CounterProbe.Movement {
    try machine.movement { () throws(SourceError) in try energy(entry) }
  }

  private func energy(_ entry: PowercapTree.Entry) throws(SourceError) -> UInt64 {
    let path = "\(entry.folder)/energy_uj"
    switch machine.energy(ofZone: path) {
    case .success(let value): return value
    case .failure(.noNumber): throw .noEnergy(path: path)
    case .failure(let error): throw .energyFile(path: path, errno: error.errno)
    }
  }

  private mutating func isStanding(_ movement: CounterProbe.Movement, _ entry: PowercapTree.Entry) -> Bool {
    let path = machine.shown("\(entry.folder)/energy_uj")
    let value: UInt64
    switch movement {
    case .continuous: return false
    case .steps(let timer):
      zoneTimers[entry.zone.package] = timer
      ok(.powercap, "\(path) moves in steps, \(steps(timer)).")
      return false
    case .zero: value = 0
    case .stands(let at): value = at
    }
    obstruct(
      .powercap, "\(path) does not move\(orTooSeldom): it stays at \(value).",
      fix: "measure on the host, or update the firmware.")
    return true
  }

  /// Reports a zone that cannot be used.
  mutating func obstructZone(_ error: SourceError) {
    let (text, fix) = toldOfZone(error)
    obstruct(.powercap, text, fix: fix)
  }

  private func toldOfZone(_ error: SourceError) -> (text: String, fix: String) {
    switch error {
    case .energyFile(let path, EACCES) where surroundings.isNamespaceRoot,
      .energyFile(let path, EPERM) where surroundings.isNamespaceRoot:
      (
        "Only the machine's root may read \(machine.shown(path)), and this process is root only in a user namespace.",
        "run it outside of the namespace, as the machine's root."
      )
    case .energyFile(let path, EACCES): ("Only root may read \(machine.shown(path)).", "sudo pkg-watt-stat doctor")
    case .energyFile(let path, ENODEV):
      ("\(machine.shown(path)) cannot be read: its package went offline.", "bring it online, and run the doctor again.")
    case .energyFile(let path, let errno):
      ("\(machine.shown(path)) cannot be read: \(errorText(errno)).", "sudo modprobe intel_rapl_msr")
    case .noEnergy(let path):
      (
        "\(machine.shown(path)) does not contain a plausible number of microjoules.",
        "measure on the host, or update the kernel."
      )
    default: ("\(error)", "measure on the host.")
    }
  }
}
