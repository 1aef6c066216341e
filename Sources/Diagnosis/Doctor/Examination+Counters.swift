internal import PowerSources
internal import RAPL

extension Examination {
  /// Whether the sum of these packages' registers is that of the machine, each counter in it once. The service asks the same.
  mutating func isWhole(_ registers: MachineRegisters, _ identity: CPUIdentity, _ map: RegisterMap) -> Bool {
    if let lack = lists(identity).lackOfRegisters { return obstructed(.registers, lack) }
    do {
      for repeated in try EnergySources.repeated(registersOf: packages, map: map, through: registers) {
        ok(.registers, "\(repeated)")
      }
      return true
    } catch {
      return obstructed(.registers, error)
    }
  }

  /// The same of powercap's zones.
  mutating func isWhole(_ zones: [PowercapTree.Entry], _ identity: CPUIdentity) -> Bool {
    if let lack = lists(identity).lackOfZones { return obstructed(.powercap, lack) }
    do {
      for repeated in try EnergySources.repeated(zones: zones, of: machine.tree) { ok(.powercap, "\(repeated)") }
      return true
    } catch {
      return obstructed(.powercap, error)
    }
  }

  private mutating func obstructed(_ topic: Finding.Topic, _ error: SourceError) -> Bool {
    obstruct(topic, "\(error)", fix: "run it on the host.")
    return false
  }

  private func lists(_ identity: CPUIdentity) -> MachineLists {
    let tree = machine.tree
    return MachineLists(tree, places: (try? tree.places()) ?? [], identity: identity)
  }
}

extension Machine {
  /// Its description, which it remembers.
  var tree: MachineTree { MachineTree(root: root, files: self, replay: replay) }
}
