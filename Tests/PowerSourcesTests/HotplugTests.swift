import Foundation
import PowerSources
import RAPL
import TestSupport
import Testing

/// A folder with the topology of a machine, whose CPUs come and go.
private final class Folder: WrittenMachine {
  private let cpus: [Int]

  init(vendor: String = "GenuineIntel", places: [Int: (package: Int, die: Int)], online: [Int]) throws {
    cpus = places.keys.sorted()
    try super.init()
    try writeCPU(vendor: vendor, model: 85, more: "power management: [14]\n")
    for (cpu, place) in places {
      let topology = "sys/devices/system/cpu/cpu\(cpu)/topology"
      try write("\(topology)/physical_package_id", "\(place.package)\n")
      try write("\(topology)/die_id", "\(place.die)\n")
    }
    try set(online: online)
  }

  func set(online: [Int]) throws {
    for cpu in cpus { try write("sys/devices/system/cpu/cpu\(cpu)/online", online.contains(cpu) ? "1\n" : "0\n") }
    try write("sys/devices/system/cpu/online", CPUList.text(online) + "\n")
  }
}

@Suite("CPUs that come and go")
struct HotplugTests {
  struct Change: CustomTestStringConvertible {
    let testDescription: String
    var vendor = "GenuineIntel"
    var places: [Int: (package: Int, die: Int)] = [0: (0, 0), 1: (0, 1), 2: (1, 0), 3: (1, 1)]
    let before: [Int]
    let after: [Int]
    let hotplugged: PackageID?
  }

  @Test(
    "a package or die that was not there is hotplugged, one that goes or comes back is none",
    arguments: [
      Change(testDescription: "a die goes", before: [0, 1], after: [0], hotplugged: nil),
      Change(testDescription: "a whole package goes", before: [0, 1, 2, 3], after: [0, 1], hotplugged: nil),
      Change(
        testDescription: "a die comes", before: [0], after: [0, 1], hotplugged: PackageID(package: 0, die: 1)),
      Change(testDescription: "a package comes", before: [0, 1], after: [0, 1, 2], hotplugged: PackageID(package: 1)),
      Change(
        testDescription: "another CPU of the same die", places: [0: (0, 0), 1: (0, 0)], before: [0], after: [1],
        hotplugged: nil),
      Change(
        testDescription: "AMD's dies are no counters", vendor: "AuthenticAMD", before: [0], after: [0, 1],
        hotplugged: nil),
    ])
  func changes(_ change: Change) throws {
    let folder = try Folder(vendor: change.vendor, places: change.places, online: change.before)
    let watch = try #require(TopologyWatch(root: folder.root))
    #expect(watch.hotplugged() == nil)
    try folder.set(online: change.after)
    #expect(watch.hotplugged() == change.hotplugged)
    try folder.set(online: change.before)
    #expect(watch.hotplugged() == nil)
  }

  @Test("the topology is read once after a change, however often it is asked")
  func readOnce() throws {
    let folder = try Folder(places: [0: (0, 0), 1: (0, 0)], online: [0, 1])
    let watch = try #require(TopologyWatch(root: folder.root))
    try folder.set(online: [0])
    #expect(watch.hotplugged() == nil)
    // If it were read again, this would be seen.
    try folder.write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "7\n")
    #expect(watch.hotplugged() == nil)
    try folder.set(online: [0, 1])
    #expect(watch.hotplugged() == PackageID(package: 7))
  }

  @Test("a package that comes is noticed in a container whose list of CPUs is its own")
  func ownList() throws {
    let folder = try Folder(places: [0: (0, 0), 1: (0, 0), 2: (1, 0), 3: (1, 0)], online: [0, 1])
    try folder.write("sys/devices/system/cpu/offline", "2-3\n")
    let watch = try #require(TopologyWatch(root: folder.root))
    for cpu in 2...3 { try folder.write("sys/devices/system/cpu/cpu\(cpu)/online", "1\n") }
    // As it was, until the kernel says that something has changed.
    #expect(watch.hotplugged() == nil)
    try folder.write("sys/devices/system/cpu/offline", "\n")
    #expect(watch.hotplugged() == PackageID(package: 1))
  }

  struct Offline: CustomTestStringConvertible {
    let testDescription: String
    var control = "on"
    /// The nodes of CPUs 2 and 3, which are offline; 0 and 1 are of node 0.
    var node: Int? = 0
    var distance = "10\n"
    let says: String
  }

  @Test(
    "a package is called missing only if its node proves it",
    arguments: [
      Offline(testDescription: "some of the only package", says: "2 CPUs were offline at the start"),
      Offline(testDescription: "nosmt", control: "forceoff", says: "2 CPUs were offline at the start (SMT is off)"),
      Offline(testDescription: "a kernel without NUMA", node: nil, says: "2 CPUs were offline at the start"),
      Offline(
        testDescription: "a sub-NUMA cluster", node: 1, distance: "11 10\n", says: "2 CPUs were offline at the start"),
      Offline(
        testDescription: "another socket", node: 1, distance: "21 10\n",
        says: "2 CPUs were offline at the start, including all CPUs of a package, which is not measured"),
    ])
  func offline(_ machine: Offline) throws {
    let folder = try Folder(places: [0: (0, 0), 1: (0, 0)], online: [0, 1])
    try folder.write("sys/devices/system/cpu/present", "0-3\n")
    try folder.write("sys/devices/system/cpu/smt/control", machine.control + "\n")
    for cpu in 0...3 {
      guard let node = cpu < 2 ? 0 : machine.node else { continue }
      try folder.write("sys/devices/system/cpu/cpu\(cpu)/node\(node)/x", "")
    }
    if let node = machine.node { try folder.write("sys/devices/system/node/node\(node)/distance", machine.distance) }
    let tree = MachineTree(root: folder.root)
    let offline = try tree.offlineCPUs()
    #expect("\(offline)" == machine.says)
    #expect(offline.ofMissingPackages == (machine.says.contains("all CPUs of a package") ? [2, 3] : []))
    try folder.set(online: [0, 1, 2, 3])
    #expect(try tree.offlineCPUs().description == "")
  }
}
