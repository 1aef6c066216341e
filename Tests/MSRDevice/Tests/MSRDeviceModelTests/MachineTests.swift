import Foundation
import Testing

@testable import MSRDeviceModel

struct MachineTests {
  @Test(
    "CPUs are written as sysfs writes them",
    arguments: [
      (0, 0, "0", "1"), (0, 3, "0-3", "f"), (2, 3, "2-3", "c"), (31, 31, "31", "80000000"),
      (30, 33, "30-33", "3,c0000000"), (64, 64, "64", "1,00000000,00000000"),
    ])
  func ranges(first: Int, last: Int, list: String, mask: String) {
    let range = CPURange(first: first, last: last)
    #expect(range.list == list)
    #expect(range.mask == mask)
  }

  @Test("a composed machine has each CPU in its package")
  func composing() throws {
    let root = NSTemporaryDirectory() + "msr-device-tree-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let mountPoint = try MachineFolder.compose(in: root, packages: 2, cpusPerPackage: 2, cpuinfo: .amd)
    #expect(mountPoint == root + "/dev/cpu")
    func text(_ path: String) throws -> String { try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) }
    let cpus = "sys/devices/system/cpu"
    #expect(try text("\(cpus)/online") == "0-3\n")
    #expect(
      try (0...3).map { try text("\(cpus)/cpu\($0)/topology/physical_package_id") } == ["0\n", "0\n", "1\n", "1\n"])
    #expect(try (0...3).map { try text("\(cpus)/cpu\($0)/topology/core_id") } == ["0\n", "1\n", "0\n", "1\n"])
    #expect(try text("\(cpus)/cpu3/topology/package_cpus_list") == "2-3\n")
    #expect(try text("\(cpus)/cpu3/topology/thread_siblings") == "8\n")
    let threaded = root + "/threaded"
    try FileManager.default.createDirectory(atPath: threaded, withIntermediateDirectories: false)
    _ = try MachineFolder.compose(in: threaded, packages: 2, cpusPerPackage: 4, threadsPerCore: 2, cpuinfo: .amd)
    #expect(
      try (4...7).map { try text("threaded/\(cpus)/cpu\($0)/topology/core_id") } == ["0\n", "0\n", "1\n", "1\n"])
    #expect(try text("threaded/\(cpus)/cpu7/topology/thread_siblings_list") == "6-7\n")
    let blocks = try text("proc/cpuinfo").components(separatedBy: "\n\n").filter { !$0.isEmpty }
    #expect(blocks.count == 4)
    for block in blocks {
      #expect(block.contains("vendor_id\t: AuthenticAMD\n"))
      #expect(block.hasSuffix("[13] [14]"))
    }
    #expect(throws: MachineFolder.NotEmpty.self) {
      try MachineFolder.compose(in: root, packages: 1, cpusPerPackage: 1, cpuinfo: .intel)
    }
  }
}
