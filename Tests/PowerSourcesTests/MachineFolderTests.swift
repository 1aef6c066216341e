import Foundation
import PowerSources
import RAPL
import Testing

@Suite("A folder that stands for a machine")
struct MachineFolderTests {
  private static let cpuinfo = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\n"

  /// A whole machine of one CPU, its msr node a file of zeros: everything that regular files can be.
  private static let machine: [String: String?] = [
    "proc/cpuinfo": cpuinfo, "sys/devices/system/cpu/online": "0\n",
    "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
    "sys/devices/system/cpu/cpu0/topology/die_id": "0\n",
    "dev/cpu/0/msr": String(repeating: "\0", count: 4096),
  ]

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    var changes: [String: String?] = [:]
    let says: String
  }

  private static let cases = [
    Case(
      testDescription: "nothing there", changes: machine.mapValues { _ in String?.none },
      says: "proc/cpuinfo: No such file"),
    Case(
      testDescription: "junk cpuinfo", changes: ["proc/cpuinfo": "junk"],
      says: "proc/cpuinfo does not contain a CPU vendor, family and model"),
    Case(
      testDescription: "binary cpuinfo", changes: ["proc/cpuinfo": "\0\0\0"],
      says: "proc/cpuinfo does not contain a CPU vendor"),
    Case(
      testDescription: "unknown vendor",
      changes: ["proc/cpuinfo": cpuinfo.replacing("GenuineIntel", with: "CentaurHauls")],
      says: "only Intel, AMD and Hygon"),
    Case(
      testDescription: "AMD without RAPL",
      changes: ["proc/cpuinfo": "vendor_id : AuthenticAMD\ncpu family : 23\nmodel : 49\n"],
      says: "does not announce RAPL"),
    Case(
      testDescription: "Diamond Rapids",
      changes: ["proc/cpuinfo": "vendor_id : GenuineIntel\ncpu family : 19\nmodel : 1\n"],
      says: "only be measured with /sys/class/powercap"),
    Case(
      testDescription: "no online list", changes: ["sys/devices/system/cpu/online": nil], says: "online: No such file"),
    Case(
      testDescription: "empty online list", changes: ["sys/devices/system/cpu/online": ""],
      says: "online does not contain a list of CPUs"),
    Case(
      testDescription: "junk online list", changes: ["sys/devices/system/cpu/online": "0-x"],
      says: "online does not contain a list of CPUs"),
    Case(
      testDescription: "no package id", changes: ["sys/devices/system/cpu/cpu0/topology/physical_package_id": nil],
      says: "physical_package_id: No such file"),
    Case(
      testDescription: "junk package id", changes: ["sys/devices/system/cpu/cpu0/topology/physical_package_id": "-1"],
      says: "_id does not contain a package or die number"),
    Case(
      testDescription: "junk die id", changes: ["sys/devices/system/cpu/cpu0/topology/die_id": "zero"],
      says: "_id does not contain a package or die number"),
    Case(
      testDescription: "no die id, as on old kernels", changes: ["sys/devices/system/cpu/cpu0/topology/die_id": nil],
      says: "0x606 reads 0"),
    Case(testDescription: "no node", changes: ["dev/cpu/0/msr": nil], says: "dev/cpu/0/msr: No such file"),
    Case(testDescription: "an empty node", changes: ["dev/cpu/0/msr": ""], says: "cannot be read (EIO)"),
    Case(
      testDescription: "Westmere-EX, a node of zeros",
      changes: ["proc/cpuinfo": "vendor_id : GenuineIntel\ncpu family : 6\nmodel : 47\n"], says: "is older than RAPL"),
    Case(
      testDescription: "NetBurst, no node",
      changes: [
        "proc/cpuinfo": "vendor_id : GenuineIntel\ncpu family : 15\nmodel : 4\n", "dev/cpu/0/msr": nil,
      ], says: "is older than RAPL"),
    Case(
      testDescription: "AMD before Zen",
      changes: ["proc/cpuinfo": "vendor_id : AuthenticAMD\ncpu family : 21\nmodel : 2\n"], says: "is older than RAPL"),
    Case(testDescription: "a node of zeros", says: "The energy unit register 0x606 reads 0"),
    Case(
      testDescription: "a node of junk that stands still",
      changes: ["dev/cpu/0/msr": String(repeating: "junk", count: 1024)], says: "does not move"),
  ]

  private func folder(_ files: [String: String?]) throws -> String {
    let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
    for case (let path, let text?) in files {
      let url = URL(filePath: root + "/" + path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: false, encoding: .utf8)
    }
    return root
  }

  private func failure(_ root: String) -> String {
    do {
      return "it was opened: \(try EnergySources.msr(root: root).summary)"
    } catch {
      return "\(error)"
    }
  }

  @Test("with something missing or wrong is refused with the reason", arguments: cases)
  func refused(_ machine: Case) throws {
    let files = Self.machine.merging(machine.changes) { $1 }
    let root = try folder(files)
    defer { try? FileManager.default.removeItem(atPath: root) }
    #expect(failure(root).contains(machine.says), "\(failure(root))")
    #expect(failure(root + "/").contains(machine.says))
  }

  @Test("a node that is a folder or a pipe is refused, and nothing hangs")
  func strangeNodes() throws {
    let root = try folder(Self.machine.merging(["dev/cpu/0/msr": String?.none]) { $1 })
    defer { try? FileManager.default.removeItem(atPath: root) }
    let folder = URL(filePath: root + "/dev/cpu/0")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    mkfifo(folder.path + "/msr", 0o600)
    #expect(failure(root).contains("/msr: it is not a regular file"), "\(failure(root))")
    unlink(folder.path + "/msr")
    mkdir(folder.path + "/msr", 0o700)
    #expect(failure(root).contains("/msr: Is a directory"), "\(failure(root))")
  }

  @Test(
    "a node that leads to a device outside of the folder is refused: opening one may do something to it",
    arguments: ["/dev/null", "/dev/tty"])
  func strangeDevices(device: String) throws {
    let root = try folder(Self.machine.merging(["dev/cpu/0/msr": String?.none]) { $1 })
    defer { try? FileManager.default.removeItem(atPath: root) }
    try FileManager.default.createDirectory(atPath: root + "/dev/cpu/0", withIntermediateDirectories: true)
    symlink(device, root + "/dev/cpu/0/msr")
    #expect(failure(root).contains("/msr: No such file"), "\(failure(root))")
  }

  @Test(
    "why a node of this machine cannot be opened comes with what to do",
    arguments: [
      (ENOENT, "sudo modprobe msr"), (EACCES, "run as root"), (EPERM, "CAP_SYS_RAWIO"), (EPERM, "lockdown"),
      (ENXIO, "offline"), (EMFILE, "Too many open files"),
    ])
  func opening(errno: Int32, says: String) {
    let error = SourceError.cannotOpen(path: "/dev/cpu/0/msr", errno: errno, ownMachine: true)
    #expect("\(error)".hasPrefix("Cannot open /dev/cpu/0/msr: ") && "\(error)".contains(says), "\(error)")
  }
}
