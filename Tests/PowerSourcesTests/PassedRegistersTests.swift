import Foundation
import RAPL
import SystemCalls
import TestSupport
import Testing

@testable import PowerSources

/// A folder that stands for a machine of CPUs, with a file for each node.
private final class Folder: WrittenMachine {
  init(cpus: Int) throws {
    try super.init()
    try writeCPU()
    try setOnline(cpus)
    for cpu in 0..<cpus { try add(cpu) }
  }

  func add(_ cpu: Int) throws {
    try write("sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id", "0\n")
    try write("dev/cpu/\(cpu)/msr", "")
  }

  /// In place, as the kernel's list.
  func setOnline(_ cpus: Int) throws { try write("sys/devices/system/cpu/online", "0-\(cpus - 1)\n") }

  /// Opens a CPU's node, as a service manager does.
  func open(_ cpu: Int, _ flags: Int32 = O_RDONLY) -> Int32 { Foundation.open(root + "/dev/cpu/\(cpu)/msr", flags) }
}

@Suite("Register nodes that were passed")
struct PassedRegistersTests {
  @Test(
    "a name that is not msr and a CPU's number is refused",
    arguments: ["msr", "msr00", "msr01", "msr+1", "msr-1", "msr 1", "msr1 ", "msr４", "msr4294967296", "other"])
  func names(name: String) throws {
    #expect(throws: PassedRegisterError.name(descriptor: 0, name: name)) { try PassedRegisters([(0, name)]) }
    #expect(PassedRegisters.claims(name) == (name != "other"))
  }

  @Test("a descriptor that is not a node of its CPU, open to read only, is refused")
  func flaws() throws {
    let folder = try Folder(cpus: 2)
    let writer = folder.open(0, O_WRONLY)
    let both = folder.open(0, O_RDWR)
    let other = folder.open(1)
    let device = Foundation.open("/dev/null", O_RDONLY)
    let directory = Foundation.open("/", O_RDONLY)
    let place = folder.open(0, 0o10000000)
    var pipe: [Int32] = [0, 0]
    #expect(Foundation.pipe(&pipe) == 0)
    defer { for file in [writer, both, other, device, directory, place] + pipe { close(file) } }
    let cases: [(Int32, PassedNode.Flaw)] = [
      (writer, .unreadable), (place, .unreadable), (both, .writable), (other, .otherFile), (device, .otherFile),
      (directory, .otherFile), (pipe[0], .otherFile), (pipe[1], .unreadable), (-1, .unusable(errno: EBADF)),
      (1_000_000, .unusable(errno: EBADF)),
    ]
    for (descriptor, flaw) in cases {
      #expect(throws: PassedRegisterError.flaw(descriptor: descriptor, cpu: 0, flaw), "\(descriptor)") {
        try PassedRegisters([(descriptor, "msr0")], root: folder.root)
      }
    }
  }

  @Test("a regular file stands for a node only in a folder that stands for a machine")
  func ownMachine() throws {
    let folder = try Folder(cpus: 1)
    let node = folder.open(0)
    defer { close(node) }
    #expect(throws: PassedRegisterError.flaw(descriptor: node, cpu: 0, .otherFile)) {
      try PassedRegisters([(node, "msr0")])
    }
  }

  @Test("none, and two of one CPU, are refused")
  func number() throws {
    let folder = try Folder(cpus: 1)
    let nodes = [folder.open(0), folder.open(0)]
    defer { for node in nodes { close(node) } }
    #expect(throws: PassedRegisterError.none) { try PassedRegisters([]) }
    #expect(throws: PassedRegisterError.twice(cpu: 0, descriptors: nodes)) {
      try PassedRegisters(nodes.map { ($0, "msr0") }, root: folder.root)
    }
  }

  @Test("each refusal is a sentence that names the descriptor and what to do")
  func sentences() {
    let cases: [(PassedRegisterError, String)] = [
      (.flaw(descriptor: 5, cpu: 3, .otherDevice(7)), "(msr3) from the service manager is the register node of CPU 7"),
      (
        .flaw(descriptor: 5, cpu: 3, .unusable(errno: EBADF)),
        "cannot be used: Bad file descriptor; pass /dev/cpu/3/msr"
      ),
      (.name(descriptor: 5, name: "msr\u{1B}[2J"), "is named msr?[2J, but"),
      (.unwanted(name: "msr3", source: "auto"), "(msr3), but --source auto does not use them"),
    ]
    for (error, says) in cases { #expect("\(error)".contains(says), "\(error)") }
  }

  @Test(
    "they are read through descriptors of our own, which a program that is started does not get, and closed at the end")
  func ownership() throws {
    let folder = try Folder(cpus: 2)
    let nodes = (0...1).map { folder.open($0) }
    do {
      let passed = try PassedRegisters([(nodes[0], "msr0"), (nodes[1], "msr1")], root: folder.root)
      #expect(
        passed.cpus == [0, 1] && passed.firstMissing(of: [0, 1]) == nil && passed.firstMissing(of: [1, 2]) == 2)
      let own = try passed.node(of: 1, path: "x")
      #expect(own.number != nodes[1] && fcntl(own.number, F_GETFD) == FD_CLOEXEC)
      var refused: Int32?
      do { _ = try passed.node(of: 2, path: "x") } catch { refused = error.errno }
      #expect(refused == EPERM)
      #expect(fcntl(nodes[0], F_GETFD) >= 0)
    }
    // Others may have these numbers again by now, but not these files.
    for (cpu, node) in nodes.enumerated() {
      let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(node)")
      #expect(path != folder.root + "/dev/cpu/\(cpu)/msr")
    }
  }

  @Test("a machine is not measured if a CPU is online whose node was not passed")
  func missing() throws {
    let folder = try Folder(cpus: 2)
    let passed = try PassedRegisters([(folder.open(0), "msr0")], root: folder.root)
    let error = #expect(throws: SourceError.self) { try EnergySources.msr(root: folder.root, through: passed) }
    #expect(
      error?.reason.hasSuffix(
        "CPU 1 is online, but the service manager has not passed its register node, \(folder.root)/dev/cpu/1/msr.")
        == true)
  }

  @Test("a CPU that can be read, but is not online in any list, makes a machine doubtful, as one with a node does")
  func hidden() throws {
    let folder = try Folder(cpus: 2)
    truncate(folder.root + "/dev/cpu/1/msr", 0x1000)
    let passed = try PassedRegisters((0...1).map { (folder.open($0), "msr\($0)") }, root: folder.root)
    try FileManager.default.removeItem(atPath: folder.root + "/sys/devices/system/cpu/cpu1")
    try folder.setOnline(1)
    let error = #expect(throws: SourceError.self) { try EnergySources.msr(root: folder.root, through: passed) }
    #expect(error?.reason.contains("/dev/cpu/1/msr can be opened, but CPU 1 is not online in") == true)
  }

  @Test("a CPU that comes online and was not passed is a change; one that was passed is not")
  func laterCPU() throws {
    let folder = try Folder(cpus: 2)
    let passed = try PassedRegisters((0...1).map { (folder.open($0), "msr\($0)") }, root: folder.root)
    try folder.setOnline(1)
    let watch = try #require(CounterWatch(try source(), root: folder.root, through: passed))
    #expect(watch.change() == nil)
    try folder.setOnline(2)
    #expect(watch.change() == nil)
    try folder.add(2)
    try folder.setOnline(3)
    #expect(watch.change() == .newCPU(2))
    #expect("\(MachineChange.newCPU(2))".hasPrefix("CPU 2 came online after startup"))
  }

  @Test("a CPU that came online while the source was being opened is a change too")
  func cpuDuringTheStart() throws {
    let folder = try Folder(cpus: 2)
    let passed = try PassedRegisters((0...1).map { (folder.open($0), "msr\($0)") }, root: folder.root)
    let source = try source()
    try folder.add(2)
    try folder.setOnline(3)
    let watch = try #require(CounterWatch(source, root: folder.root, through: passed))
    #expect(watch.change() == .newCPU(2))
  }

  @Test("a CPU that comes online and was not passed is not forgotten if the topology cannot be read in that moment")
  func unreadableTopology() throws {
    let folder = try Folder(cpus: 2)
    let passed = try PassedRegisters((0...1).map { (folder.open($0), "msr\($0)") }, root: folder.root)
    let watch = try #require(CounterWatch(try source(), root: folder.root, through: passed))
    #expect(watch.change() == nil)
    // It is in the list already, and its folder is not there yet.
    try folder.setOnline(3)
    for _ in 0..<3 { #expect(watch.change() == nil) }
    try folder.add(2)
    #expect(watch.change() == .newCPU(2))
  }

  /// One whose counters say nothing about the folder.
  private func source() throws -> CounterSource {
    try CounterSource(
      registers: SimulatedCPU(packages: [.constant(watts: 60)]),
      packages: [PackageCPUs(id: PackageID(package: 0), cpus: [0])],
      identity: CPUIdentity(vendor: .intel, family: 6, model: 94), map: .intel)
  }
}
