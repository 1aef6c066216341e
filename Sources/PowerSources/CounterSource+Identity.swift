package import RAPL

extension CounterSource {
  /// Leaves out the packages that show an earlier one's counter. That counter's bound is then the power of all of them.
  ///
  /// - Returns: the packages that were left out.
  static func leaveOutRepeated(
    _ packages: inout [CounterMeter], isSnapshot: Bool, _ log: SourceLog
  ) throws(SourceError) -> Set<PackageID> {
    let repeated = try CounterIdentity.repeated(
      of: packages.map(\.package), packages.map { $0.compared(isSnapshot: isSnapshot) },
      read: { packages[$0].rawValue() })
    for repeated in repeated {
      guard let first = packages.firstIndex(where: { $0.package == repeated.first }),
        let other = packages.first(where: { $0.package == repeated.package })
      else { continue }
      packages[first].addBound(of: other)
      log("\(repeated)")
    }
    let left = Set(repeated.map(\.package))
    packages.removeAll { left.contains($0.package) }
    return left
  }

  /// Leaves out platforms' counters that are an earlier package's, or may be: several packages may show the machine's.
  static func leaveOutRepeatedPlatforms(_ others: inout [CounterMeter], isSnapshot: Bool, _ log: SourceLog) {
    while true {
      var platforms = others.filter { $0.domain == .psys }
      let leftOut: [PackageID]
      var isSettled = true
      do {
        let repeated = try CounterIdentity.repeated(
          of: platforms.map(\.package), platforms.map { $0.compared(isSnapshot: isSnapshot) },
          read: { platforms[$0].rawValue() })
        leftOut = repeated.map(\.package)
        for repeated in repeated { log("Of psys, \(repeated)") }
      } catch .doubtfulCounters(let one, let other) {
        leftOut = [other]
        isSettled = false
        log("The psys counters of \(one) and \(other) may be one, so that of \(other) is not read.")
      } catch {
        leftOut = []
      }
      others.removeAll { $0.domain == .psys && leftOut.contains($0.package) }
      if isSettled { return }
    }
  }
}

extension EnergySources {
  /// The packages whose register shows the counter of an earlier one.
  ///
  /// - Parameters:
  ///   - timers: of those that move in steps.
  ///   - isSnapshot: whether each counter shows two values only, as a capture without a trace does.
  package static func repeated(
    registersOf packages: [PackageCPUs], map: RegisterMap, through registers: any RegisterFile,
    timers: [PackageID: StepTimer], isSnapshot: Bool
  ) throws(SourceError) -> [RepeatedCounter] {
    guard let address = map.energy(of: .package) else { return [] }
    var counters = packages.map { CounterReader(map.units, of: $0, registers).counter(address) }
    return try CounterIdentity.repeated(
      of: packages.map(\.id),
      packages.map {
        CounterIdentity.Counter(range: EnergyCounter.registerRange, timer: timers[$0.id], isSnapshot: isSnapshot)
      },
      read: { try? counters[$0].read(toleranceNanoseconds: .max).value })
  }

  /// The packages whose zone shows the counter of an earlier one.
  ///
  /// - Parameter timers: of those that move in steps.
  package static func repeated(
    zones: [PowercapTree.Entry], of tree: MachineTree, timers: [PackageID: StepTimer]
  ) throws(SourceError) -> [RepeatedCounter] {
    let packages = zones.filter { $0.zone.domain == .package }
    var counters: [any CounterFile] = []
    var compared: [CounterIdentity.Counter] = []
    for entry in packages {
      counters.append(try tree.zone("\(entry.folder)/energy_uj"))
      compared.append(
        CounterIdentity.Counter(
          range: try PowercapTree(tree).range(of: entry), timer: timers[entry.zone.package],
          isSnapshot: tree.isSnapshot))
    }
    return try CounterIdentity.repeated(
      of: packages.map(\.zone.package), compared,
      read: { try? counters[$0].read() })
  }
}

extension CounterIdentity.Counter {
  /// One that may move in steps.
  init(range: UInt64, timer: StepTimer?, isSnapshot: Bool) {
    self.init(
      range: range, step: timer.map { (before: $0.firstValue, behind: $0.value) }, isSnapshot: isSnapshot)
  }
}
