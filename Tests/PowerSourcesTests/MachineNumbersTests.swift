import Foundation
import RAPL
import TestSupport
import Testing

@testable import PowerSources

@Suite("The numbers and lists of a machine")
struct MachineNumbersTests {
  private static let cpus = "sys/devices/system/cpu"

  /// A machine of one package and one CPU.
  private func machine(_ changes: [(String, String)] = []) throws -> WrittenMachine {
    let machine = try WrittenMachine()
    try machine.writeCPU()
    try machine.write("\(Self.cpus)/online", "0\n")
    try machine.write("\(Self.cpus)/present", "0\n")
    try machine.write("\(Self.cpus)/cpu0/topology/physical_package_id", "0\n")
    try machine.write("dev/cpu/0/msr", String(repeating: "\0", count: 4096))
    try machine.writeZone("intel-rapl:0", name: "package-0")
    for (path, text) in changes { try machine.write(path, text) }
    return machine
  }

  /// What is said instead of opening it, by its registers and by its zones.
  private func refusals(_ machine: WrittenMachine) -> [String] {
    func refusal(_ isOfZones: Bool) -> String {
      do throws(SourceError) {
        let source =
          isOfZones ? try EnergySources.powercap(root: machine.root) : try EnergySources.msr(root: machine.root)
        return "it was opened: \(source.summary)"
      } catch {
        return error.reason
      }
    }
    return [refusal(false), refusal(true)]
  }

  @Test(
    "a number that no package, die or core has, and a list that is none, are refused through every door",
    arguments: [
      ("\(cpus)/cpu0/topology/physical_package_id", "18446744073709551616", "package or die number"),
      ("\(cpus)/cpu0/topology/physical_package_id", "2147483648", "package or die number"),
      ("\(cpus)/cpu0/topology/physical_package_id", "-1", "package or die number"),
      ("\(cpus)/cpu0/topology/physical_package_id", "0 1", "package or die number"),
      ("\(cpus)/cpu0/topology/die_id", "18446744073709551616", "package or die number"),
      ("\(cpus)/cpu0/topology/thread_siblings_list", "3-1", "list of CPUs"),
      ("\(cpus)/online", "3-1", "list of CPUs"), ("\(cpus)/online", "0-", "list of CPUs"),
      ("\(cpus)/present", "3-1", "list of CPUs"), ("\(cpus)/present", "0-", "list of CPUs"),
      (
        "proc/cpuinfo",
        "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\nphysical id\t: 18446744073709551616\n",
        "package number"
      ),
    ])
  func refused(path: String, text: String, expected: String) throws {
    let machine = try machine([(path, text + "\n")])
    let lists = path.hasSuffix("present")
    for refusal in refusals(machine) {
      // What is wrong with the counters of this machine is looked at before the CPUs that are offline.
      if lists, refusal.contains("reads 0") || refusal.contains("does not move") { continue }
      #expect(refusal == "\(machine.root)/\(path) does not contain a \(expected).", "\(refusal)")
    }
    if lists {
      #expect(throws: SourceError.self) { try MachineTree(root: machine.root).offlineCPUs() }
    }
  }

  @Test("the largest number that the kernel can have is a package's, and a list of isolated CPUs may be none")
  func accepted() throws {
    let machine = try machine([
      ("\(Self.cpus)/cpu0/topology/physical_package_id", "2147483647\n"), ("\(Self.cpus)/nohz_full", "(null)\n"),
    ])
    #expect(try MachineTree(root: machine.root).places().map(\.package) == [2_147_483_647])
  }

  @Test(
    "a zone of a package or die whose number does not fit is not passed over",
    arguments: ["package-18446744073709551616", "package-2147483648", "package-0-die-2147483648"])
  func zone(name: String) throws {
    let machine = try machine()
    try machine.writeZone("intel-rapl:1", name: name)
    let error = #expect(throws: SourceError.self) { try PowercapTree(root: machine.root).entries(vendor: .intel) }
    #expect(error?.reason.contains("intel-rapl:1/name does not contain a package or die number") == true)
  }

  @Test("more packages than any machine has are refused at once, for their number; the most that are read are not")
  func packages() throws {
    let machine = try machine()
    func write(_ count: Int) throws {
      try machine.write("\(Self.cpus)/online", "0-\(count - 1)\n")
      for cpu in 0..<count {
        try machine.write("\(Self.cpus)/cpu\(cpu)/topology/physical_package_id", "\(cpu)\n")
      }
    }
    try write(512)
    #expect(try MachineTree(root: machine.root).places().count == 512)
    try write(513)
    for refusal in refusals(machine) {
      #expect(
        refusal == "\(machine.root)/\(Self.cpus) has 513 packages and dies, and this program measures at most 512.")
    }
  }

  @Test("more zones than any machine has are refused for their number before one is read")
  func zones() throws {
    let machine = try machine()
    for zone in 0..<512 {
      try machine.write("sys/class/powercap/intel-rapl:\(zone)/name", "package-\(zone)\n")
      for (domain, name) in ["core", "uncore", "dram"].enumerated() {
        try machine.write("sys/class/powercap/intel-rapl:\(zone):\(domain)/name", name + "\n")
      }
    }
    let tree = PowercapTree(root: machine.root)
    #expect(try tree.entries(vendor: .intel).count == 2048)
    try machine.write("sys/class/powercap/intel-rapl:0:0/name", "package-512\n")
    #expect(try tree.entries(vendor: .intel).count == 2047)
    try FileManager.default.moveItem(
      atPath: "\(machine.root)/sys/class/powercap/intel-rapl:0:0",
      toPath: "\(machine.root)/sys/class/powercap/intel-rapl:512")
    let error = #expect(throws: SourceError.self) { try tree.entries(vendor: .intel) }
    #expect(error?.reason.contains("has 513 zones of packages and dies, and this program measures at most 512") == true)
    try machine.write("sys/class/powercap/intel-rapl:2048/other", "")
    #expect(
      refusals(machine)[1]
        == "\(machine.root)/sys/class/powercap has 2049 energy zones, and this program measures at most 2048.")
  }
}
