internal import PowerSources
internal import RAPL

/// cpuinfo, the list of CPUs that are online, and each one's package and die.
func fuzzTopology(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  let tree = MachineTree(root: "/machine", files: InventedFiles(data))
  guard let identity = try? tree.identity() else { return 0 }
  _ = "\(identity)"
  _ = CPUModel(identity)
  guard let places = try? tree.places() else { return 0 }
  let cpus = places.map(\.cpu)
  precondition(CPUList.parse(CPUList.text(cpus)) == cpus)
  for map in [RegisterMap.intel, .amd] {
    let groups = PackageCPUs.group(places, by: map)
    // Each CPU in one group, and none left out.
    precondition(groups.flatMap(\.cpus).sorted() == cpus.sorted())
    precondition(Set(groups.map(\.id)).count == groups.count && groups.allSatisfy { !$0.cpus.isEmpty })
  }
  return 0
}
