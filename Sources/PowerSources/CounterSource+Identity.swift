package import RAPL

extension CounterSource {
  /// Leaves out the packages whose counter is an earlier one's, which is then bounded by what all of them may draw.
  ///
  /// - Returns: whose they were.
  static func leaveOutRepeated(
    _ packages: inout [CounterMeter], _ log: SourceLog
  ) throws(SourceError) -> Set<PackageID> {
    let repeated = try CounterIdentity.repeated(
      of: packages.map(\.package), ranges: packages.map(\.range), read: { packages[$0].rawValue() })
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
}

extension EnergySources {
  /// The packages whose register shows the counter of an earlier one.
  package static func repeated(
    registersOf packages: [PackageCPUs], map: RegisterMap, through registers: any RegisterFile
  ) throws(SourceError) -> [RepeatedCounter] {
    guard let address = map.energy(of: .package) else { return [] }
    var counters = packages.map { RegisterCounter(address, through: PackageReader(package: $0, registers: registers)) }
    return try CounterIdentity.repeated(
      of: packages.map(\.id), ranges: packages.map { _ in EnergyCounter.registerRange },
      read: { try? counters[$0].read(toleranceNanoseconds: .max).value })
  }

  /// The packages whose zone shows the counter of an earlier one.
  package static func repeated(
    zones: [PowercapTree.Entry], of tree: MachineTree
  ) throws(SourceError) -> [RepeatedCounter] {
    let packages = zones.filter { $0.zone.domain == .package }
    var counters: [any CounterOrigin] = []
    var ranges: [UInt64] = []
    for entry in packages {
      counters.append(try tree.zone("\(entry.folder)/energy_uj"))
      ranges.append(try PowercapTree(tree).range(of: entry))
    }
    return try CounterIdentity.repeated(
      of: packages.map(\.zone.package), ranges: ranges,
      read: { try? counters[$0].read(toleranceNanoseconds: .max).value })
  }
}
