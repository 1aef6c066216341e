public import Attribution
internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// Reads the CPU time of everything that a table needs, and nothing else.
///
/// Of each process it reads one file, its `stat`. Its user and cgroup are read when it is new, a few times soon after, because
/// systemd moves a process just after its start, every 16th time from then on, and whenever it has worked: its time would
/// otherwise be counted for its old cgroup, and once more for its new one.
public struct ProcessReader: ~Copyable {
  private struct Known {
    var start: Int64
    var ticks: Int64 = 0
    var age = 0
    var user: UInt32?
    var cgroup: String?
  }

  private let grouping: Grouping
  private let root: String
  private let ticks: Int64
  private var files: OpenFiles
  private var known: [Int: Known] = [:]
  /// Whether some process could not be looked at in the latest reading.
  private var isDenied = false
  /// The cgroups that are mounted.
  public let cgroups: CgroupTree

  /// A reader for a grouping.
  ///
  /// - Parameter root: a folder that stands for /; empty for / itself.
  /// - Throws: if there is no /proc, or if the grouping needs cgroups of version 2 and there are none.
  public init(_ grouping: Grouping, root: String = "") throws(ProcessError) {
    let cgroups = CgroupTree(root: root)
    if !grouping.needsProcesses && cgroups.kind == .missing { throw .noCgroups(grouping) }
    guard let folder = OpenFiles.descriptor(root + "/proc") else { throw .noProc(errno: errno) }
    files = OpenFiles(folder, most: 4096)
    self.grouping = grouping
    self.root = root
    self.cgroups = cgroups
    ticks = Int64(max(sysconf(Int32(_SC_CLK_TCK)), 1))
  }

  /// Reads all.
  ///
  /// Its time is the middle of the reading, which takes some milliseconds for each 1,000 processes.
  public mutating func read() throws(ProcessError) -> CPUSnapshot {
    let begin = cmsr_monotonic_nanoseconds()
    let boot = cmsr_boottime_nanoseconds()
    let text: String
    do { text = try TextFile.read(root + "/proc/stat", root: root) } catch { throw .noStatistics(errno: error.errno) }
    guard let machine = MachineStatistics(text) else { throw .noProc(errno: EINVAL) }
    let processes = grouping.needsProcesses ? try readProcesses() : nil
    let groups = cgroups.read()
    let half = (cmsr_monotonic_nanoseconds() - begin) / 2
    return CPUSnapshot(
      monotonicNanoseconds: begin + half, bootMicroseconds: (boot + half) / 1000,
      busyMicroseconds: microseconds(machine.busyTicks), cpus: machine.cpus, processes: processes, cgroups: groups,
      hidesProcesses: hidesProcesses())
  }

  private mutating func readProcesses() throws(ProcessError) -> [CPUSnapshot.Process] {
    guard let entries = files.entries() else { throw .noProc(errno: errno) }
    var processes: [CPUSnapshot.Process] = []
    processes.reserveCapacity(entries.count)
    var now: [Int: Known] = [:]
    isDenied = false
    for entry in entries {
      let digits = entry.name.dropLast()
      guard let first = digits.first, 48...57 ~= first else { continue }
      let line: ArraySlice<UInt8>
      do {
        line = try files.read(digits + name("/stat"))
      } catch {
        // Others have ended.
        isDenied = isDenied || error.errno == EACCES || error.errno == EPERM
        continue
      }
      guard let found = ProcessStatistics(line) else { continue }
      var process =
        known[found.pid].flatMap { $0.start == found.startTicks ? $0 : nil } ?? Known(start: found.startTicks)
      if process.age < 3 || process.age % 16 == 0 || process.ticks != found.ticks {
        if grouping == .user { process.user = files.owner(of: entry.name) }
        if cgroups.kind != .missing {
          process.cgroup = (try? files.read(digits + name("/cgroup"))).flatMap(Self.cgroup)
        }
      }
      process.age += 1
      process.ticks = found.ticks
      now[found.pid] = process
      processes.append(
        CPUSnapshot.Process(
          pid: found.pid, start: microseconds(found.startTicks), name: found.name,
          microseconds: microseconds(found.ticks), user: process.user, cgroup: process.cgroup))
    }
    known = now
    return processes
  }

  /// The path in the line `0::/path`, which is version 2's. Source: cgroups(7).
  static func cgroup(_ text: ArraySlice<UInt8>) -> String? {
    for line in text.split(separator: 0x0A) where line.starts(with: "0::/".utf8) {
      var path = String(decoding: line.dropFirst(3), as: UTF8.self)
      if path.hasSuffix(" (deleted)") { path.removeLast(10) }
      return path
    }
    return nil
  }

  /// Whether processes are hidden: by hidepid, which hides the first one, by a security module, or because this process has a
  /// process namespace of its own. The first namespace always has this number: include/linux/proc_ns.h, PROC_PID_INIT_INO.
  private mutating func hidesProcesses() -> Bool {
    if isDenied || (try? files.read(name("1/stat"))) == nil { return true }
    var target = [CChar](repeating: 0, count: 64)
    let count = unsafe readlink(root + "/proc/self/ns/pid", &target, target.count)
    return count > 0 && !target.prefix(count).elementsEqual(name("pid:[4026531836]").dropLast())
  }

  /// Ticks in microseconds; no trap for absurd numbers.
  private func microseconds(_ number: Int64) -> Int64 {
    let (product, overflows) = number.multipliedReportingOverflow(by: 1_000_000)
    return overflows ? .max / 4 : product / ticks
  }
}

/// Why no CPU time can be read.
public enum ProcessError: Error, Equatable, CustomStringConvertible {
  /// /proc cannot be read.
  case noProc(errno: Int32)
  /// /proc is there, but not the CPU time of the whole machine.
  case noStatistics(errno: Int32)
  /// There are no cgroups of version 2, which this grouping needs.
  case noCgroups(Grouping)

  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .noProc(let errno): "Cannot read /proc: \(errorText(errno)). Mount it: mount -t proc proc /proc"
    case .noStatistics(let errno):
      "Cannot read /proc/stat: \(errorText(errno)). If this /proc shows processes only (subset=pid, in a systemd unit ProcSubset=pid), it has to be mounted whole."
    case .noCgroups(let grouping):
      "--by \(grouping.rawValue) needs cgroup v2, which is not mounted here; use --by process or --by user."
    }
  }
}
