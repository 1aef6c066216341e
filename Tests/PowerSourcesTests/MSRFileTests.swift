import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// A temporary folder that goes away with its owner.
private final class Scratch {
  let path = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ relative: String, _ text: String) throws {
    let file = URL(filePath: path + "/" + relative)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }

  /// Puts bytes at a place in a file, creating it.
  func poke(_ relative: String, at offset: Int, _ bytes: [UInt8]) throws {
    let descriptor = open(path + "/" + relative, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CocoaError(.fileNoSuchFile) }
    defer { close(descriptor) }
    #expect(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
  }
}

/// `count` bytes of a number, lowest first.
private func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

private func failure(_ root: String) -> String {
  do {
    return "it was opened: \(try EnergySources.msr(root: root).summary)"
  } catch {
    return "\(error)"
  }
}

/// How many descriptors this process has open.
private func openDescriptors(under path: String) -> Int {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
  return names.count { name in
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name))?.hasPrefix(path) == true
  }
}

@Suite("Files as msr nodes")
struct MSRFileTests {
  private func machine(cpus: Int = 1, vendor: String = "GenuineIntel", power: String = "") throws -> Scratch {
    let scratch = try Scratch()
    try scratch.write(
      "proc/cpuinfo", "vendor_id: \(vendor)\ncpu family: 6\nmodel: 158\npower management: \(power)\n")
    try scratch.write("sys/devices/system/cpu/online", cpus == 1 ? "0\n" : "0-\(cpus - 1)\n")
    for cpu in 0..<cpus {
      try scratch.write("sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id", "\(cpu / 2)\n")
      try scratch.write("dev/cpu/\(cpu)/msr", "")
    }
    return scratch
  }

  @Test("two packages are read by pread, exactly, through the CPU that has a node", .timeLimit(.minutes(1)))
  func twoPackages() throws {
    let scratch = try machine(cpus: 4)
    unlink(scratch.path + "/dev/cpu/0/msr")
    let nodes = [1, 2, 3].map { "dev/cpu/\($0)/msr" }
    for node in nodes {
      try scratch.poke(node, at: 0x606, bytes(0xA0E03, 8))
      // 0x611 and 0x614 overlap in a file: the counter's top byte is the power information's lowest.
      try scratch.poke(node, at: 0x611, bytes(1000, 24))
    }
    let opened = Mutex(false)
    let last = Mutex<UInt64>(0)
    let path = scratch.path
    let mover = Thread {
      let descriptors = nodes.map { open(path + "/" + $0, O_WRONLY | O_CLOEXEC) }
      var value: UInt64 = 1000
      while !opened.withLock({ $0 }) {
        value += 10
        // CPU 1 is of package 0, the others of package 1, whose counter is another one.
        for (index, descriptor) in descriptors.enumerated() {
          _ = pwrite(descriptor, bytes(index == 0 ? value : 4_000_000 + value * 2, 3), 3, 0x611)
        }
      }
      for descriptor in descriptors { close(descriptor) }
      last.withLock { [value] in $0 = value }
      opened.withLock { $0 = false }
    }
    mover.start()
    var source: any EnergySource
    do {
      defer {
        opened.withLock { $0 = true }
        while opened.withLock({ $0 }) { sched_yield() }
      }
      source = try EnergySources.msr(root: scratch.path)
    }
    #expect(source.summary.contains("2 packages") && !source.isSimulated)
    #expect(source.longestIntervalSeconds > 60)
    // What was counted while it opened, which takes its time on a busy machine.
    let first = source.read().readings.map(\.counts)
    let value = last.withLock { $0 }
    try scratch.poke("dev/cpu/1/msr", at: 0x611, bytes(value + 500, 3))
    try scratch.poke("dev/cpu/2/msr", at: 0x611, bytes(4_000_000 + value * 2 + 70, 3))
    let second = source.read()
    #expect(second.readings.map(\.counts) == [first[0] + 500, first[1] + 70])
    #expect(second.readings.map(\.package) == [PackageID(package: 0), PackageID(package: 1)])
    #expect(abs(Double(second.unixNanoseconds) / 1e9 - Date().timeIntervalSince1970) < 5)
  }

  @Test("AMD's registers lie at offsets above 2 GiB, and are read there")
  func amd() throws {
    let scratch = try machine(vendor: "AuthenticAMD", power: "ts [13] [14]")
    #expect(failure(scratch.path).contains("Register 0xC0010299 of CPU 0 cannot be read (EIO)"))
    truncate(scratch.path + "/dev/cpu/0/msr", 0xC001_0300)
    #expect(failure(scratch.path).contains("The energy unit register 0xC0010299 reads 0"))
    try scratch.poke("dev/cpu/0/msr", at: 0xC001_0299, [3, 0x10])
    #expect(failure(scratch.path).contains("The energy counter of package 0 reads 0"))
    try scratch.poke("dev/cpu/0/msr", at: 0xC001_029B, [77])
    #expect(failure(scratch.path).contains("does not move, or less often than every 2.5 s: it stays at 77"))
  }

  @Test("a number that is two numbers is none", arguments: ["1 2", "1\n2\n", "", "0x1", "99999999999999999999"])
  func numbers(text: String) throws {
    let scratch = try machine()
    try scratch.write("sys/devices/system/cpu/cpu0/topology/physical_package_id", text)
    #expect(failure(scratch.path).contains("physical_package_id does not contain a package or die number"))
  }

  @Test("a pipe in place of any file is refused, and nothing hangs", .timeLimit(.minutes(1)))
  func pipes() throws {
    let scratch = try machine()
    for name in [
      "sys/devices/system/cpu/cpu0/topology/physical_package_id", "sys/devices/system/cpu/online", "proc/cpuinfo",
    ] {
      unlink(scratch.path + "/" + name)
      mkfifo(scratch.path + "/" + name, 0o600)
      #expect(failure(scratch.path).contains(name))
    }
  }

  @Test("what stands in place of the list of online CPUs is not opened to watch it: a device may mind")
  func onlineList() throws {
    let scratch = try machine()
    let tree = MachineTree(root: scratch.path)
    let list = scratch.path + "/sys/devices/system/cpu/online"
    #expect(OnlineList(tree)?.text() != nil)
    unlink(list)
    symlink("/dev/null", list)
    #expect(OnlineList(tree) == nil)
    unlink(list)
    mkfifo(list, 0o600)
    #expect(OnlineList(tree) == nil)
  }

  @Test("a folder in place of a file, or a file in place of a folder, is named")
  func folders() throws {
    let scratch = try machine()
    unlink(scratch.path + "/proc/cpuinfo")
    mkdir(scratch.path + "/proc/cpuinfo", 0o700)
    #expect(failure(scratch.path).hasPrefix("Cannot read \(scratch.path)/proc/cpuinfo: Is a directory. "))
    #expect(failure(scratch.path + "/sys/devices/system/cpu/online").contains("Not a directory"))
    #expect(
      failure("/nonexistent/machine").hasPrefix(
        "Cannot read /nonexistent/machine/proc/cpuinfo: No such file or directory. "))
  }

  @Test("a node without permission is refused with what to do", .enabled(if: geteuid() != 0, "root may read anything"))
  func permission() throws {
    let scratch = try machine()
    chmod(scratch.path + "/dev/cpu/0/msr", 0)
    #expect(failure(scratch.path).contains("run as root (sudo)"))
  }

  @Test("a CPU whose node could not be opened says why when it is read")
  func unopened() throws {
    let scratch = try machine()
    let devices = MSRDevices(cpus: [0, 1]) { "\(scratch.path)/dev/cpu/\($0)/msr" }
    #expect(devices.openErrors == [1: ENOENT])
    #expect(throws: RegisterError.failed(address: 0x611, cpu: 1, errno: ENOENT)) { try devices.read(0x611, cpu: 1) }
    #expect(throws: RegisterError.offline(cpu: 9)) { try devices.read(0x611, cpu: 9) }
    #expect(throws: RegisterError.absent(address: 0x611, cpu: 0)) { try devices.read(0x611, cpu: 0) }
    let gone = MSRDevices(cpus: [0]) { _ in "/dev/full/msr" }
    #expect(throws: RegisterError.failed(address: 1, cpu: 0, errno: ENOTDIR)) { try gone.read(1, cpu: 0) }
  }

  @Test("nodes are closed with their source, and after a refusal")
  func closing() throws {
    let scratch = try machine(cpus: 4)
    do {
      let devices = MSRDevices(cpus: Array(0..<4)) { "\(scratch.path)/dev/cpu/\($0)/msr" }
      #expect(openDescriptors(under: scratch.path) == 4)
      #expect(devices.openErrors.isEmpty)
    }
    #expect(openDescriptors(under: scratch.path) == 0)
    #expect(failure(scratch.path).contains("cannot be read (EIO)"))
    #expect(openDescriptors(under: scratch.path) == 0)
  }
}
