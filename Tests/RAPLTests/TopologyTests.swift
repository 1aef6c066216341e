import RAPL
import Testing

/// CPUs as (package, die), numbered from 0.
private func places(_ list: [(Int, Int)]) -> [CPUPlace] {
  list.enumerated().map { CPUPlace(cpu: $0.offset, package: $0.element.0, die: $0.element.1) }
}

@Suite("Packages and dies")
struct TopologyTests {
  struct Machine: CustomTestStringConvertible {
    let testDescription: String
    let map: RegisterMap
    let places: [CPUPlace]
    let expected: [PackageCPUs]
  }

  @Test(
    "each counter is read once, whatever the topology",
    arguments: [
      Machine(
        testDescription: "one package", map: .intel, places: places([(0, 0), (0, 0)]),
        expected: [PackageCPUs(id: PackageID(package: 0), cpus: [0, 1])]),
      Machine(
        testDescription: "two sockets, interleaved", map: .intel, places: places([(0, 0), (1, 0), (0, 0), (1, 0)]),
        expected: [
          PackageCPUs(id: PackageID(package: 0), cpus: [0, 2]), PackageCPUs(id: PackageID(package: 1), cpus: [1, 3]),
        ]),
      Machine(
        testDescription: "Cascade Lake-AP: a counter for each die", map: .intel,
        places: places([(0, 0), (0, 1), (1, 0), (1, 1)]),
        expected: [
          PackageCPUs(id: PackageID(package: 0, die: 0), cpus: [0]),
          PackageCPUs(id: PackageID(package: 0, die: 1), cpus: [1]),
          PackageCPUs(id: PackageID(package: 1, die: 0), cpus: [2]),
          PackageCPUs(id: PackageID(package: 1, die: 1), cpus: [3]),
        ]),
      Machine(
        testDescription: "dies numbered through the machine, one a package", map: .intel,
        places: places([(0, 0), (1, 1)]),
        expected: [
          PackageCPUs(id: PackageID(package: 0), cpus: [0]), PackageCPUs(id: PackageID(package: 1), cpus: [1]),
        ]),
      Machine(
        testDescription: "AMD: dies are CCDs, never summed", map: .amd,
        places: places([(0, 0), (0, 1), (0, 2), (1, 3)]),
        expected: [
          PackageCPUs(id: PackageID(package: 0), cpus: [0, 1, 2]), PackageCPUs(id: PackageID(package: 1), cpus: [3]),
        ]),
      Machine(
        testDescription: "sparse package ids", map: .intel, places: places([(7, 0), (3, 0)]),
        expected: [
          PackageCPUs(id: PackageID(package: 3), cpus: [1]), PackageCPUs(id: PackageID(package: 7), cpus: [0]),
        ]),
      Machine(testDescription: "nothing", map: .intel, places: [], expected: []),
    ])
  func grouping(machine: Machine) {
    #expect(PackageCPUs.group(machine.places, by: machine.map) == machine.expected)
  }

  @Test("a package is named as the kernel numbers it")
  func names() {
    #expect("\(PackageID(package: 1))" == "package 1")
    #expect("\(PackageID(package: 0, die: 1))" == "package 0 die 1")
  }
}
