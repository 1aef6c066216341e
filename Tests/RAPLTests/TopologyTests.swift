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

  @Test(
    "a kernel's list of CPUs is read, junk is not",
    arguments: [
      ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0,2-3,8\n", [0, 2, 3, 8]), ("", []), ("\n", []), (" 5 ", [5]),
      ("3-1", nil), ("0,0", nil), ("2,1", nil), ("a", nil), ("-1", nil), ("0-", nil), ("1,,2", nil), ("+1", nil),
      ("0-99999999999999999999", nil), ("0-8192", nil), ("0-3 x", nil), ("1-2-3", nil),
    ] as [(String, [Int]?)])
  func lists(text: String, expected: [Int]?) {
    #expect(CPUList.parse(text) == expected)
  }
}

@Suite("Who a CPU is")
struct IdentityTests {
  private let amd = """
    processor\t: 0
    vendor_id\t: AuthenticAMD
    cpu family\t: 25
    model\t\t: 33
    model name\t: AMD Ryzen 9 5950X 16-Core Processor
    power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]

    processor\t: 1
    vendor_id\t: GenuineIntel
    cpu family\t: 6
    model\t\t: 94

    """

  @Test("the first processor of a cpuinfo text decides")
  func first() throws {
    let identity = try #require(CPUIdentity(cpuinfo: amd))
    #expect(identity.vendor == .amd && identity.family == 25 && identity.model == 33 && identity.announcesRAPL)
    #expect(identity.description == "AMD Ryzen 9 5950X 16-Core Processor (family 19h, model 21h)")
  }

  @Test("AMD's RAPL bit is a word of its own")
  func announced() throws {
    let without = amd.replacing("[13] [14]", with: "[13] [140]")
    #expect(try #require(CPUIdentity(cpuinfo: without)).announcesRAPL == false)
    let missing = amd.replacing(/power management.*/, with: "")
    #expect(try #require(CPUIdentity(cpuinfo: missing)).announcesRAPL == false)
  }

  @Test(
    "vendors are known by their CPUID string",
    arguments: [
      ("GenuineIntel", .intel, "Intel"), ("AuthenticAMD", .amd, "AMD"), ("HygonGenuine", .hygon, "Hygon"),
      ("CentaurHauls", .other("CentaurHauls"), "CentaurHauls"), ("", .other(""), "unknown"),
    ] as [(String, CPUVendor, String)])
  func vendors(identifier: String, vendor: CPUVendor, name: String) {
    #expect(CPUVendor(identifier: identifier) == vendor)
    #expect(vendor.description == name)
  }

  @Test(
    "a text without vendor, family and model is none",
    arguments: [
      "", "\n\n", "processor : 0\nBogoMIPS : 50\n", "vendor_id : GenuineIntel\ncpu family : six\nmodel : 1\n", ":::",
    ])
  func junk(text: String) {
    #expect(CPUIdentity(cpuinfo: text) == nil)
    #expect(CPUIdentity(cpuinfo: String(repeating: text, count: 1000)) == nil)
  }
}
