import Foundation
import PowerSources
import RAPL
import Testing

/// A folder of a machine with four CPUs, two in each of two packages, whose registers read 0.
private final class Folder {
  let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
  static let cpus = "sys/devices/system/cpu"

  init(vendor: String = "GenuineIntel", packages: [Int] = [0, 0, 1, 1], dies: [Int] = [0, 0, 0, 0]) throws {
    try write("proc/cpuinfo", Self.cpuinfo(vendor: vendor, packages.enumerated().map { ($0, $1) }))
    for (cpu, package) in packages.enumerated() {
      try write("\(Self.cpus)/cpu\(cpu)/topology/physical_package_id", "\(package)\n")
      try write("\(Self.cpus)/cpu\(cpu)/topology/die_id", "\(dies[cpu])\n")
      if cpu > 0 { try write("\(Self.cpus)/cpu\(cpu)/online", "1\n") }
      try write("dev/cpu/\(cpu)/msr", String(repeating: "\0", count: 4096))
    }
    for list in ["online", "present", "possible"] { try write("\(Self.cpus)/\(list)", "0-\(packages.count - 1)\n") }
  }

  static func cpuinfo(vendor: String = "GenuineIntel", _ cpus: [(cpu: Int, package: Int)]) -> String {
    cpus.map { cpu, package in
      """
      processor\t: \(cpu)
      vendor_id\t: \(vendor)
      cpu family\t: \(vendor == "GenuineIntel" ? 6 : 25)
      model\t\t: 85
      physical id\t: \(package)
      power management: [14]


      """
    }.joined()
  }

  func write(_ path: String, _ text: String?) throws {
    let url = URL(filePath: root + "/" + path)
    guard let text else { return try FileManager.default.removeItem(at: url) }
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Zones, by folder and name, which stand at one energy.
  func zones(_ zones: [(String, String)]) throws {
    for (folder, name) in zones {
      try write("sys/class/powercap/\(folder)/name", name + "\n")
      try write("sys/class/powercap/\(folder)/energy_uj", "12345678\n")
      try write("sys/class/powercap/\(folder)/max_energy_range_uj", "262143328850\n")
    }
  }

  var tree: MachineTree { MachineTree(root: root) }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}

@Suite("The lists of a machine")
struct MachineListsTests {
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let changes: [(String, String?)]
    var zones: [(String, String)] = []
    /// The CPUs that are found.
    var cpus = [0, 1, 2, 3]
    /// What it is refused for; nil if the lists agree.
    var refusal: String?
  }

  private static let cpus = Folder.cpus

  @Test(
    "are believed together: all of a machine is found, or it is refused",
    arguments: [
      Case(testDescription: "all agree", changes: []),
      Case(testDescription: "lxcfs: fewer CPUs online", changes: [("\(cpus)/online", "0-1\n")]),
      Case(
        testDescription: "lxcfs: two CPUs of the second package, numbered anew",
        changes: [("\(cpus)/online", "0-1\n"), ("proc/cpuinfo", Folder.cpuinfo([(0, 1), (1, 1)]))]),
      Case(
        testDescription: "lxcfs, of a kernel without hotplug",
        changes: [("\(cpus)/online", "0\n")] + (1...3).map { ("\(cpus)/cpu\($0)/online", nil) }),
      Case(
        testDescription: "lxcfs lists a CPU that the kernel has offline",
        changes: [
          ("\(cpus)/online", "0-1\n"), ("\(cpus)/cpu1/online", "0\n"), ("\(cpus)/cpu1/topology", nil),
          ("dev/cpu/1", nil), ("proc/cpuinfo", Folder.cpuinfo([(0, 0), (1, 0)])),
        ], cpus: [0, 2, 3]),
      Case(
        testDescription: "a CPU is offline",
        changes: [
          ("\(cpus)/online", "0,2-3\n"), ("\(cpus)/cpu1/online", "0\n"), ("\(cpus)/cpu1/topology", nil),
          ("dev/cpu/1", nil),
        ], cpus: [0, 2, 3]),
      Case(
        testDescription: "folders of other names", changes: [("\(cpus)/cpufreq/x", ""), ("\(cpus)/cpu0x/x", "")]),
      Case(
        testDescription: "the folders of a package are hidden",
        changes: [
          ("\(cpus)/online", "0-1\n"), ("\(cpus)/cpu2", nil), ("\(cpus)/cpu3", nil), ("dev/cpu/2", nil),
          ("dev/cpu/3", nil),
        ], cpus: [0, 1], refusal: "cpuinfo shows package 1, but none of its CPUs is online in"),
      Case(
        testDescription: "the folders of a package are hidden, and its CPUs in cpuinfo too",
        changes: [
          ("\(cpus)/online", "0-1\n"), ("\(cpus)/cpu2", nil), ("\(cpus)/cpu3", nil),
          ("proc/cpuinfo", Folder.cpuinfo([(0, 0), (1, 0)])),
        ], cpus: [0, 1], refusal: "dev/cpu/2/msr can be opened, but CPU 2 is not online in"),
      Case(
        testDescription: "only its CPUs' own files are left of a package",
        changes: [
          ("\(cpus)/online", "0-1\n"), ("\(cpus)/cpu2/topology", nil), ("\(cpus)/cpu3/topology", nil),
          ("dev/cpu/2", nil),
          ("dev/cpu/3", nil), ("proc/cpuinfo", Folder.cpuinfo([(0, 0), (1, 0)])),
        ], cpus: [0, 1], refusal: "cpu2/online says that the CPU is online"),
      Case(
        testDescription: "only its zone is left of a package",
        changes: [
          ("\(cpus)/online", "0-1\n"), ("\(cpus)/cpu2", nil), ("\(cpus)/cpu3", nil), ("dev/cpu/2", nil),
          ("dev/cpu/3", nil), ("proc/cpuinfo", Folder.cpuinfo([(0, 0), (1, 0)])),
        ], zones: [("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-1")], cpus: [0, 1],
        refusal: "powercap has zones for 2 packages, but the CPUs that are online in"),
    ])
  func registers(_ machine: Case) throws {
    let folder = try Folder()
    for (path, text) in machine.changes { try folder.write(path, text) }
    try folder.zones(machine.zones)
    #expect(try folder.tree.places().map(\.cpu) == machine.cpus)
    let error = #expect(throws: SourceError.self) { try EnergySources.msr(root: folder.root) }
    let sentence = "\(error.map { "\($0)" } ?? "")"
    // Its registers read 0, which is looked at only then.
    #expect(sentence.contains(machine.refusal ?? "0x606 reads 0"), "\(sentence)")
  }

  @Test(
    "powercap's zones are refused if they are not those of all packages",
    arguments: [
      ([("intel-rapl:0", "package-0")], "has zones for 1 package, but the machine has 2"),
      ([("intel-rapl:0", "package-0"), ("intel-rapl:1", "psys")], "has zones for 1 package, but the machine has 2"),
      ([("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-1")], "does not move"),
      // As kernels before 5.2 number them, whatever the packages' own numbers are.
      ([("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-7")], "does not move"),
      (
        [
          ("intel-rapl:0", "package-0-die-0"), ("intel-rapl:1", "package-1-die-0"), ("intel-rapl:2", "package-1-die-1"),
        ],
        "does not move"
      ),
    ] as [([(String, String)], String)])
  func powercap(zones: [(String, String)], says: String) throws {
    let folder = try Folder()
    try folder.zones(zones)
    let error = #expect(throws: SourceError.self) { try EnergySources.powercap(root: folder.root) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(says))
  }

  @Test("a die of which only the zone is left is refused")
  func hiddenDie() throws {
    let folder = try Folder(packages: [0, 0], dies: [0, 0])
    try folder.zones([("intel-rapl:0", "package-0-die-0"), ("intel-rapl:1", "package-0-die-1")])
    let error = #expect(throws: SourceError.self) { try EnergySources.msr(root: folder.root) }
    let sentence = "\(error.map { "\($0)" } ?? "")"
    #expect(sentence.contains("has zones for 2 dies, but the CPUs that are online in"), "\(sentence)")
    // AMD's dies show their package's counter, so that nothing is hidden.
    let amd = try Folder(vendor: "AuthenticAMD", packages: [0, 0], dies: [0, 0])
    try amd.zones([("intel-rapl:0", "package-0-die-0"), ("intel-rapl:1", "package-0-die-1")])
    let other = #expect(throws: SourceError.self) { try EnergySources.msr(root: amd.root) }
    #expect("\(other.map { "\($0)" } ?? "")".contains("0xC0010299"))
  }

  @Test("a die whose zone is missing is refused")
  func die() throws {
    let folder = try Folder(packages: [0, 0, 0, 0], dies: [0, 0, 1, 1])
    try folder.zones([("intel-rapl:0", "package-0-die-0")])
    let error = #expect(throws: SourceError.self) { try EnergySources.powercap(root: folder.root) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("has zones for 1 die of package 0, which has 2"))
  }

  @Test("a zone of a package with several dies is refused, unless it is known to count all of them")
  func zoneOfWholePackage() throws {
    let folder = try Folder(packages: [0, 0, 0, 0], dies: [0, 0, 1, 1])
    try folder.zones([("intel-rapl:0", "package-0")])
    func refusal(_ folder: Folder) -> String {
      let error = #expect(throws: SourceError.self) { try EnergySources.powercap(root: folder.root) }
      return "\(error.map { "\($0)" } ?? "")"
    }
    #expect(
      refusal(folder).contains("whether \(folder.root)/sys/class/powercap/intel-rapl:0 counts all of package 0 or only")
    )
    // The kernel's TPMI driver has one for each package.
    try folder.write("sys/bus/auxiliary/devices/intel_vsec.tpmi-rapl.0/uevent", "\n")
    #expect(refusal(folder).contains("does not move"))
    let amd = try Folder(vendor: "AuthenticAMD", packages: [0, 0, 0, 0], dies: [0, 0, 1, 1])
    try amd.zones([("intel-rapl:0", "package-0")])
    #expect(refusal(amd).contains("does not move"))
  }

  @Test(
    "an isolated CPU reads only if no other of its package can",
    arguments: [
      ("isolated", "0-1,3\n", [[2, 0, 1], [4, 3]]), ("nohz_full", "0,3-4\n", [[1, 2, 0], [3, 4]]),
      ("isolated", "\n", [[0, 1, 2], [3, 4]]), ("nohz_full", "(null)\n", [[0, 1, 2], [3, 4]]),
      ("../../../fs/cgroup/cpuset.cpus.isolated", "0\n", [[1, 2, 0], [3, 4]]),
    ] as [(String, String, [[Int]])])
  func isolated(list: String, text: String, order: [[Int]]) throws {
    let folder = try Folder(packages: [0, 0, 0, 1, 1], dies: [0, 0, 0, 0, 0])
    try folder.write("\(Self.cpus)/\(list)", text)
    #expect(PackageCPUs.group(try folder.tree.places(), by: .intel).map(\.cpus) == order)
  }

  @Test("both lists of isolated CPUs count")
  func bothLists() throws {
    let folder = try Folder()
    try folder.write("\(Self.cpus)/isolated", "0\n")
    try folder.write("\(Self.cpus)/nohz_full", "2\n")
    #expect(PackageCPUs.group(try folder.tree.places(), by: .amd).map(\.cpus) == [[1, 0], [3, 2]])
  }
}
