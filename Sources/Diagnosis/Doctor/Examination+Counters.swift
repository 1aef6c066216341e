internal import PowerSources
internal import RAPL

extension Examination {
  /// Whether the sum of these packages' registers is the machine's power, with each counter in it once. The service checks the same.
  mutating func isWhole(_ registers: MachineRegisters, _ identity: CPUIdentity, _ map: RegisterMap) -> Bool {
    if let lack = lists(identity).missingFromRegisters { return obstructed(.registers, lack) }
    let (packages, timers, isSnapshot) = (packages, registerTimers, machine.tree.isSnapshot)
    return isEachOnce(.registers) { () throws(SourceError) in
      try EnergySources.repeated(
        registersOf: packages, map: map, through: registers, timers: timers, isSnapshot: isSnapshot)
    }
  }

  /// The same for powercap's zones.
  mutating func isWhole(_ zones: [PowercapTree.Entry], _ identity: CPUIdentity) -> Bool {
    if let lack = lists(identity).missingFromZones { return obstructed(.powercap, lack) }
    let (tree, timers) = (machine.tree, zoneTimers)
    return isEachOnce(.powercap) { () throws(SourceError) in
      try EnergySources.repeated(zones: zones, of: tree, timers: timers)
    }
  }

  /// Reports psys registers that are not read because they are an earlier package's, or may be.
  mutating func lookAtPlatforms(_ registers: MachineRegisters, _ map: RegisterMap) {
    let (packages, isSnapshot) = (packages.filter { platforms.contains($0.id) }, machine.tree.isSnapshot)
    // Counters that step are not compared.
    guard packages.count > 1, registerTimers.isEmpty else { return }
    reportRepeated(.registers) {
      EnergySources.repeatedPlatforms(registersOf: packages, map: map, through: registers, isSnapshot: isSnapshot)
    }
  }

  /// The same of psys zones.
  mutating func lookAtPlatformZones() {
    let (zones, tree) = (platformZones, machine.tree)
    guard zones.count > 1, zoneTimers.isEmpty else { return }
    reportRepeated(.powercap) { EnergySources.repeatedPlatforms(zones: zones, of: tree) }
  }

  private mutating func reportRepeated(_ topic: Finding.Topic, _ find: () -> [String]) {
    func look() -> String { find().joined(separator: "\n") }
    let found = machine.answer("psys counters under two names, by \(topic.rawValue)", look) ?? look()
    for sentence in found.split(separator: "\n") { ok(topic, String(sentence)) }
  }

  /// Looks for one counter under two names. A capture without a trace has too few readings for that, so it contains the result.
  private mutating func isEachOnce(
    _ topic: Finding.Topic, _ find: () throws(SourceError) -> [RepeatedCounter]
  ) -> Bool {
    let doubt = "doubt "
    func look() -> String {
      do {
        return try find().map { "\($0)" }.joined(separator: "\n")
      } catch {
        return doubt + error.reason
      }
    }
    let found = machine.answer("counters under two names, by \(topic.rawValue)", look) ?? look()
    if found.hasPrefix(doubt) {
      let again = "try again in a minute: two packages that were switched on together draw apart."
      obstruct(
        topic, String(found.dropFirst(doubt.count)), fix: hypervisor == nil ? again : "measure on the host.")
      return false
    }
    for repeated in found.split(separator: "\n") { ok(topic, String(repeated)) }
    return true
  }

  private mutating func obstructed(_ topic: Finding.Topic, _ error: SourceError) -> Bool {
    obstruct(topic, error)
    return false
  }

  private func lists(_ identity: CPUIdentity) -> MachineLists {
    let tree = machine.tree
    return MachineLists(tree, places: (try? tree.places()) ?? [], identity: identity)
  }
}

extension Machine {
  /// The source's description, which it remembers.
  var tree: MachineTree { MachineTree(root: root, files: self, replay: replay) }
}
