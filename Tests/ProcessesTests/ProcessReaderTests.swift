import Attribution
import Foundation
import Glibc
import Testing

@testable import Processes

@Suite("/proc/PID/stat")
struct ProcessStatisticsTests {
  private func line(_ name: String, user: String = "70", start: String = "1234") -> ArraySlice<UInt8> {
    Array("42 (\(name)) S 1 42 42 0 -1 4194560 1 0 0 0 \(user) 30 5 6 20 0 1 0 \(start) 0 0\n".utf8)[...]
  }

  @Test(
    "is read whatever the name holds",
    arguments: ["sh", "a b", ") R 1 2 (", "((", "", "new\nline", "\u{1B}[31mred", "ü"])
  func names(name: String) throws {
    let process = try #require(ProcessStatistics(line(name)))
    #expect(process.pid == 42 && process.name == name && process.ticks == 100 && process.startTicks == 1234)
  }

  @Test("is refused if it is damaged")
  func damaged() {
    let whole = line("sh")
    for count in 0..<(whole.count - 6) { #expect(ProcessStatistics(whole.prefix(count)) == nil) }
    for number in ["-1", "x", "99999999999999999999"] { #expect(ProcessStatistics(line("sh", user: number)) == nil) }
  }
}

@Suite("/proc/stat")
struct MachineStatisticsTests {
  @Test("gives the time of everything but waiting, and the CPUs")
  func reads() {
    let text = "cpu  10 20 30 1000 500 4 5 77 8 9\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n"
    let machine = MachineStatistics(text)
    #expect(machine?.busyTicks == 69 && machine?.cpus == 2)
    for bad in ["", "cpu  1 2 3", "cpu  a b c d e f g", "intr 1"] { #expect(MachineStatistics(bad) == nil) }
  }
}

@Suite("Reading processes and cgroups")
struct ProcessReaderTests {
  private static let mounts = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

  @Test("reads a tree, without what has ended or cannot be read")
  func reads() throws {
    let tree = try Tree()
    try tree.add(pid: 1, "systemd", ticks: 500, in: "/init.scope")
    try tree.add(pid: 20, "a) \u{1B}[31m\n(b", ticks: 7, in: "/system.slice/a.service (deleted)")
    try tree.write("proc/30/status", "has ended")
    try tree.write("proc/40/stat", "40 (damaged")
    try tree.write("proc/uptime", "1 2")
    try tree.write("proc/self/mountinfo", Self.mounts)
    try tree.cgroup("", 9_000_000)
    try tree.cgroup("system.slice", 5000)
    try tree.cgroup("system.slice/a.service", 4000)
    try tree.write("sys/fs/cgroup/vanished/cgroup.procs", "")
    var reader = try ProcessReader(.process, root: tree.path)
    let snapshot = try reader.read()
    let processes = (snapshot.processes ?? []).sorted { $0.pid < $1.pid }
    #expect(processes.map(\.pid) == [1, 20])
    #expect(processes.map(\.name) == ["systemd", "a) \u{1B}[31m\n(b"])
    #expect(processes.map(\.microseconds) == [5_000_000, 70_000])
    #expect(processes.map(\.cgroup) == ["/init.scope", "/system.slice/a.service"])
    #expect(processes[0].start == 2_000_000)
    #expect(snapshot.cgroups?.map(\.path).sorted() == ["/system.slice", "/system.slice/a.service"])
    #expect(snapshot.cgroups?.map(\.microseconds).sorted() == [4000, 5000])
    #expect(Set(snapshot.cgroups?.map(\.inode) ?? []).count == 2)
    #expect(!snapshot.hidesProcesses && snapshot.busyMicroseconds == 8_000_000 && snapshot.cpus == 2)
  }

  @Test("notices that a process has changed its cgroup, or that another one has its number")
  func changes() throws {
    let tree = try Tree()
    try tree.write("proc/self/mountinfo", Self.mounts)
    try tree.add(pid: 1, "init", ticks: 1, in: "/")
    try tree.add(pid: 5, "x", ticks: 1, in: "/one")
    var reader = try ProcessReader(.process, root: tree.path)
    func five() throws -> CPUSnapshot.Process? { try reader.read().processes?.first { $0.pid == 5 } }
    let first = try five()
    #expect(first?.cgroup == "/one")
    try tree.add(pid: 5, "x", ticks: 2, in: "/two")
    let moved = try five()
    #expect(moved?.cgroup == "/two")
    for _ in 0..<8 { _ = try five() }
    // Later, one that works is looked at again, because its time is its cgroup's too.
    try tree.add(pid: 5, "x", ticks: 3, in: "/later")
    let later = try five()
    #expect(later?.cgroup == "/later")
    try tree.add(pid: 5, "y", ticks: 1, start: 900, in: "/three")
    let other = try five()
    #expect(other?.cgroup == "/three" && other?.start == 9_000_000)
  }

  @Test("reads no process by unit, and each process's owner by user")
  func light() throws {
    let tree = try Tree()
    try tree.write("proc/self/mountinfo", Self.mounts)
    try tree.add(pid: 1, "init", ticks: 1, in: "/")
    try tree.cgroup("a.service", 3)
    var unit = try ProcessReader(.unit, root: tree.path)
    let light = try unit.read()
    #expect(light.processes == nil && light.cgroups?.map(\.path) == ["/a.service"])
    var user = try ProcessReader(.user, root: tree.path)
    let owners = try user.read().processes?.map(\.user)
    #expect(owners == [geteuid()])
  }

  @Test("says that processes are hidden if the first one is")
  func hidden() throws {
    let tree = try Tree()
    try tree.add(pid: 5, "x", ticks: 1, in: "/")
    var reader = try ProcessReader(.process, root: tree.path)
    let snapshot = try reader.read()
    #expect(snapshot.hidesProcesses)
  }

  @Test("says that processes are hidden if one may not be looked at")
  func denied() throws {
    let tree = try Tree()
    try tree.add(pid: 1, "init", ticks: 1, in: "/")
    try tree.write("proc/5/status", "")
    var reader = try ProcessReader(.process, root: tree.path)
    let before = try reader.read().hidesProcesses
    // Nobody can read this file, not even root.
    try FileManager.default.createSymbolicLink(
      atPath: tree.path + "/proc/5/stat", withDestinationPath: "/sys/bus/cpu/uevent")
    let denied = try reader.read()
    #expect(!before && denied.hidesProcesses && denied.processes?.map(\.pid) == [1])
  }

  @Test("without cgroups of version 2 goes on by process and user, and else says what to use")
  func version1() throws {
    let tree = try Tree()
    try tree.add(pid: 1, "x", ticks: 1, in: "/")
    try tree.write("proc/self/mountinfo", "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")
    for grouping in [Grouping.process, .user] {
      var reader = try ProcessReader(grouping, root: tree.path)
      let snapshot = try reader.read()
      #expect(snapshot.cgroups == nil)
    }
    for grouping in [Grouping.unit, .container] {
      #expect(throws: ProcessError.noCgroups(grouping)) { _ = try ProcessReader(grouping, root: tree.path) }
    }
    try tree.write(
      "proc/self/mountinfo",
      "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 23 0:28 / /two\\040words rw - cgroup2 cgroup2 rw\n"
    )
    try tree.write("two words/a/cpu.stat", "usage_usec 7\n")
    let tree2 = CgroupTree(root: tree.path)
    #expect(tree2.kind == .hybrid && tree2.read()?.map(\.microseconds) == [7])
    for grouping in Grouping.allCases {
      let meter = try TopMeter(grouping, root: tree.path)
      let note = meter.note
      #expect((note == nil) == grouping.needsProcesses, "\(grouping): \(note ?? "")")
    }
  }

  @Test("finds the cgroups whatever else is mounted, on paths of any bytes")
  func otherMounts() throws {
    let tree = try Tree()
    let other = Array("29 23 0:25 / /media/caf".utf8) + [0xE9] + Array(" rw - fuse.sshfs host rw\n".utf8)
    try tree.write("proc/self/mountinfo", bytes: other + Array(Self.mounts.utf8))
    try tree.cgroup("a.service", 7)
    let found = CgroupTree(root: tree.path)
    #expect(found.kind == .unified && found.read()?.map(\.microseconds) == [7])
  }

  @Test(
    "names cgroups as /proc/PID/cgroup does if only a part of the tree is mounted, and prefers a mount of all",
    arguments: [
      ("/docker/1", ["/docker/1", "/docker/1/a.service"]), ("/", ["/a.service"]), ("/../outside", ["/a.service"]),
    ])
  func part(root: String, paths: [String]) throws {
    let tree = try Tree()
    try tree.cgroup("", 9)
    try tree.cgroup("a.service", 7)
    let part = "30 23 0:26 \(root) /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
    try tree.write("proc/self/mountinfo", part)
    #expect(CgroupTree(root: tree.path).read()?.map(\.path).sorted() == paths)
    try tree.write("proc/self/mountinfo", part + "31 23 0:26 / /all rw - cgroup2 cgroup2 rw\n")
    try tree.write("all/b.service/cpu.stat", "usage_usec 7\n")
    #expect(CgroupTree(root: tree.path).read()?.map(\.path) == (root == "/" ? paths : ["/b.service"]))
  }

  @Test("says what is wrong without /proc")
  func none() throws {
    let tree = try Tree(isEmpty: true)
    #expect(throws: ProcessError.noProc(errno: ENOENT)) { _ = try ProcessReader(.process, root: tree.path) }
  }

  @Test("reads this machine, with its own process in it, and 5,000 processes of a tree")
  func many() throws {
    var own = try ProcessReader(.process)
    let processes = try own.read().processes ?? []
    let me = try #require(processes.first { $0.pid == Int(getpid()) })
    #expect(me.microseconds > 0)
    let tree = try Tree()
    for pid in 1...5000 { tree.addQuickly(pid: pid) }
    var reader = try ProcessReader(.process, root: tree.path)
    let count = try reader.read().processes?.count
    #expect(count == 5000)
  }
}

/// A folder that stands for /.
final class Tree {
  let path =
    (FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory())
    + "processes-\(UUID().uuidString)"

  init(isEmpty: Bool = false) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    if isEmpty { return }
    try write("proc/stat", "cpu  500 0 300 9 9 0 0\ncpu0 1\ncpu1 1\n")
  }

  func write(_ file: String, _ text: String) throws { try write(file, bytes: Array(text.utf8)) }

  func write(_ file: String, bytes: [UInt8]) throws {
    let whole = URL(filePath: "\(path)/\(file)")
    try FileManager.default.createDirectory(at: whole.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: whole)
  }

  func add(pid: Int, _ name: String, ticks: Int64, start: Int64 = 200, in cgroup: String) throws {
    try write("proc/\(pid)/stat", "\(pid) (\(name)) S 1 1 1 0 -1 0 0 0 0 0 \(ticks) 0 0 0 20 0 1 0 \(start) 0 0\n")
    try write("proc/\(pid)/cgroup", "1:cpu:/old\n0::\(cgroup)\n")
  }

  /// For thousands.
  func addQuickly(pid: Int) {
    mkdir("\(path)/proc/\(pid)", 0o755)
    let file = Glibc.open("\(path)/proc/\(pid)/stat", O_WRONLY | O_CREAT, 0o644)
    let line = "\(pid) (p) S 1 1 1 0 -1 0 0 0 0 0 \(pid) 0 0 0 20 0 1 0 200 0 0\n"
    _ = Glibc.write(file, line, line.utf8.count)
    close(file)
  }

  func cgroup(_ name: String, _ microseconds: Int64) throws {
    try write("sys/fs/cgroup/\(name)/cpu.stat", "usage_usec \(microseconds)\nuser_usec 1\n")
  }

  func remove(_ file: String) { try? FileManager.default.removeItem(atPath: "\(path)/\(file)") }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
