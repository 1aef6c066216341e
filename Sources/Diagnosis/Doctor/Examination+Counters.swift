internal import CMSRShim
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
      let same = SourceError.doubtfulCounters(PackageID(package: 0), PackageID(package: 0))
      obstruct(topic, String(found.dropFirst(doubt.count)), fix: same.remedy(circumstances))
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
  /// How a counter moves, by the same probe as in the service. It takes a few milliseconds, or seconds if the counter stands still or steps.
  func movement<Failure: Error>(_ read: () throws(Failure) -> UInt64) throws(Failure) -> CounterProbe.Movement {
    var poll = cmsr_monotonic_nanoseconds()
    var probe = CounterProbe(start: poll, isSnapshot: replay != nil && trace == nil)
    while true {
      let before = cmsr_monotonic_nanoseconds()
      let value = try read()
      let now = cmsr_monotonic_nanoseconds()
      if let movement = probe.take(value, at: before + (now - before) / 2) { return movement }
      poll = max(poll + CounterProbe.pause, now)
      cmsr_sleep_until(poll)
    }
  }
}

extension Examination {
  /// "every 1.02 s (...), so windows last from step to step", for a counter that moves in steps.
  func steps(_ timer: StepTimer) -> String {
    let seconds = fixed(Double(timer.period) / 1e9, places: 2)
    let whose =
      hypervisor == nil
      ? ""
      : " (the hypervisor computes it: the host's estimate of this virtual machine's power)"
    return "every \(seconds) s\(whose); a window lasts from one step to another"
  }
}
