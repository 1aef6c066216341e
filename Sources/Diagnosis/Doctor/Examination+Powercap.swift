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
      for (zone, error) in found.unclear { leaveOut(zone, error, identity) }
    } catch {
      return lookAtLackOfZones(identity, error)
    }
    if isInOwnTree, findings.contains(where: { $0.level == .failure }) || !measuredBy.isEmpty {
      let folder = machine.shown("\(machine.root)/sys/class/powercap")
      return skip(
        .powercap, "\(folder) is pkg-watt-stat's own powercap tree here, which shows what the service measures.")
    }
    var isReadable = true
    var moving: [String] = []
    var others: [String] = []
    for entry in zones {
      do {
        _ = try tree.range(of: entry)
        if entry.zone.domain == .package {
          if let timer = try movement(entry).timer(of: entry.zone.package) {
            zoneTimers[entry.zone.package] = timer
            ok(.powercap, "\(machine.shown("\(entry.folder)/energy_uj")) moves in steps, \(steps(timer)).")
          }
          moving.append("\(entry.zone.package)")
        } else {
          let first = try energy(entry)
          // One that is idle may stand still, but no platform.
          if entry.zone.domain == .psys, zoneTimers.isEmpty, !PlatformWatch.moves(from: first, { try? energy(entry) }) {
            ok(.powercap, "The psys counter of \(entry.zone.package) does not move, so it is not measured.")
            continue
          }
          if entry.zone.domain == .psys { platformZones.append(entry) }
          others.append("\(entry.zone.package) \(entry.zone.domain)")
        }
      } catch  where entry.zone.domain == .package {
        isReadable = false
        obstruct(.powercap, error)
      } catch {
        leaveOut(entry.zone, error, identity)
      }
    }
    guard isReadable, isWhole(zones, identity) else { return }
    let rest = others.isEmpty ? "" : "; these can also be read: \(others.joined(separator: ", "))"
    ok(.powercap, "Powercap's counters move: \(moving.joined(separator: ", "))\(rest).")
    lookAtPlatformZones()
    measuredBy.append("powercap")
  }

  /// Whether the zones are those of a tree of the service's own, as inside of `pkg-watt-stat with`.
  var isInOwnTree: Bool { zones.contains { machine.isOwnTree("\($0.folder)/energy_uj") } }

  private mutating func leaveOut(_ zone: DomainID, _ error: SourceError, _ identity: CPUIdentity) {
    let reason = EnergySources.cause(of: error, identity, machine.tree).reason
    warn(.powercap, "The \(zone.domain) counter of \(zone.package) is not measured. \(reason)")
  }

  private mutating func lookAtLackOfZones(_ identity: CPUIdentity, _ error: SourceError) {
    if isOlderThanRAPL { return }
    switch error {
    case .noPowercap, .maskedPowercap: break
    default: return obstruct(.powercap, error)
    }
    let text = "There are no energy zones in \(machine.shown("\(machine.root)/sys/class/powercap"))"
    if !measuredBy.isEmpty { return skip(.powercap, "\(text), but they are not needed here.") }
    if RegisterMap(vendor: identity.vendor) == nil {
      return skip(.powercap, "\(text): this kernel has none for this CPU.")
    }
    if announcesNoRAPL {
      return skip(.powercap, "\(text). The kernel has none for this CPU (see CPU above).")
    }
    if surroundings.isNamespaceRoot {
      return obstruct(.powercap, "\(text).", fix: SourceError.namespaceRoot(path: "").remedy(circumstances))
    }
    obstruct(.powercap, error)
  }

  /// How a package's zone moves.
  private func movement(_ entry: PowercapTree.Entry) throws(SourceError) -> CounterProbe.Movement {
    try machine.movement { () throws(SourceError) in try energy(entry) }
  }

  private func energy(_ entry: PowercapTree.Entry) throws(SourceError) -> UInt64 {
    let path = "\(entry.folder)/energy_uj"
    if machine.isOwnTree(path) { throw .ownTree(path: path) }
    switch machine.energy(ofZone: path) {
    case .value(let value): return value
    case .failed(Machine.noNumber): throw .noEnergy(path: path)
    case .failed(let errno): throw .energyFile(path: path, errno: errno)
    }
  }
}
