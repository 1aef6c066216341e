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
    var platforms = others.filter { $0.domain == .psys }
    let repeated = CounterIdentity.repeatedPlatforms(
      of: platforms.map(\.package), platforms.map { $0.compared(isSnapshot: isSnapshot) },
      read: { platforms[$0].rawValue() })
    for repeated in repeated { log(repeated.sentence) }
    others.removeAll { meter in meter.domain == .psys && repeated.contains { $0.package == meter.package } }
  }
}

extension CounterIdentity {
  /// The platforms' counters that are an earlier package's, or may be, and what to say of each. The service and the doctor ask the
  /// same.
  ///
  /// - Parameter read: the present raw value of the counter at an index; nil if it cannot be read.
  static func repeatedPlatforms(
    of packages: [PackageID], _ counters: [Counter], read: (Int) -> UInt64?
  ) -> [(package: PackageID, sentence: String)] {
    var indices = Array(packages.indices)
    var found: [(package: PackageID, sentence: String)] = []
    while true {
      let asked = indices
      do {
        let repeated = try repeated(
          of: asked.map { packages[$0] }, asked.map { counters[$0] }, read: { read(asked[$0]) })
        return found + repeated.map { ($0.package, "Of psys, \($0)") }
      } catch .doubtfulCounters(let one, let other) {
        found.append(
          (other, "The psys counters of \(one) and \(other) may be one, so only that of \(one) is read."))
        indices.removeAll { packages[$0] == other }
      } catch {
        return found
      }
    }
  }
}

extension EnergySources {
  /// What is said of the psys registers that are left out because they are an earlier package's, or may be.
  package static func repeatedPlatforms(
    registersOf packages: [PackageCPUs], map: RegisterMap, through registers: any RegisterFile, isSnapshot: Bool
  ) -> [String] {
    guard let address = map.energy(of: .psys) else { return [] }
    var counters = packages.map { CounterReader(map.units, of: $0, registers).counter(address) }
    return CounterIdentity.repeatedPlatforms(
      of: packages.map(\.id),
      packages.map { _ in CounterIdentity.Counter(range: EnergyCounter.registerRange, isSnapshot: isSnapshot) },
      read: { try? counters[$0].read(toleranceNanoseconds: .max).value }
    ).map(\.sentence)
  }

  /// The same of psys zones.
  package static func repeatedPlatforms(zones: [PowercapTree.Entry], of tree: MachineTree) -> [String] {
    guard let opened = try? opened(zones, of: tree) else { return [] }
    return CounterIdentity.repeatedPlatforms(
      of: zones.map(\.zone.package), opened.map(\.counter), read: { try? opened[$0].file.read() }
    ).map(\.sentence)
  }

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
    let opened = try opened(packages, of: tree, timers: timers)
    return try CounterIdentity.repeated(
      of: packages.map(\.zone.package), opened.map(\.counter), read: { try? opened[$0].file.read() })
  }

  /// The files of zones, with what is known of their counters.
  private static func opened(
    _ zones: [PowercapTree.Entry], of tree: MachineTree, timers: [PackageID: StepTimer] = [:]
  ) throws(SourceError) -> [(file: any CounterFile, counter: CounterIdentity.Counter)] {
    try zones.map { entry throws(SourceError) in
      let file = try tree.zone("\(entry.folder)/energy_uj")
      let range = try PowercapTree(tree).range(of: entry)
      return (file, .init(range: range, timer: timers[entry.zone.package], isSnapshot: tree.isSnapshot))
    }
  }
}

extension CounterIdentity.Counter {
  /// One that may move in steps.
  init(range: UInt64, timer: StepTimer?, isSnapshot: Bool) {
    self.init(
      range: range, step: timer.map { (before: $0.firstValue, behind: $0.value) }, isSnapshot: isSnapshot)
  }
}
