public import Attribution
internal import Glibc
internal import SystemCalls

/// The cgroups of version 2.
public struct CgroupTree: Sendable {
  /// Why there is none, or what is missing in it.
  public enum Kind: Sendable, Equatable {
    /// Only version 2.
    case unified
    /// Version 2 beside version 1.
    case hybrid
    /// No version 2.
    case missing
  }

  /// Deeper folders are not read, nor more of them: somebody is playing.
  private static let deepest = 64
  private static let most = 20_000
  /// More mounts than this many bytes tell of are not read: the kernel allows 100,000 for each process.
  private static let mostBytes = 64 << 20

  /// Which versions are mounted.
  public let kind: Kind
  /// Whether something is mounted on /proc/stat, so that it is not the kernel's.
  let replacesStatistics: Bool
  private let path: String
  /// The path of the folder that is mounted, as /proc/PID/cgroup has it: empty for the root.
  private let top: String

  /// The tree that a process sees mounted.
  ///
  /// - Parameter root: a folder that stands for /; empty for / itself.
  public init(root: String = "") {
    let table = try? TextFile.read(root + "/proc/self/mountinfo", root: root, most: Self.mostBytes, repaired: true)
    // After " - ": the type; before it the folder that is mounted is the fourth field, and the mount point the fifth.
    // Source: proc_pid_mountinfo(5).
    let mounts = (table ?? "").split(separator: "\n").compactMap {
      line -> (top: String, point: String, type: Substring)? in
      guard let dash = line.firstRange(of: " - ") else { return nil }
      let fields = line[..<dash.lowerBound].split(separator: " ")
      guard fields.count > 4, let type = line[dash.upperBound...].split(separator: " ").first else { return nil }
      return (MountInfo.unescaped(fields[3]), MountInfo.unescaped(fields[4]), type)
    }
    let trees = mounts.filter { $0.type == "cgroup2" }
    let tree = trees.first { $0.top == "/" } ?? trees.first
    kind = tree == nil ? .missing : mounts.contains { $0.type == "cgroup" } ? .hybrid : .unified
    replacesStatistics = mounts.contains { $0.point == "/proc/stat" }
    path = root + (tree?.point ?? "")
    // Above this process's root the kernel writes "..": such paths say nothing of units.
    top = tree.map { $0.top == "/" || $0.top.hasPrefix("/..") ? "" : $0.top } ?? ""
  }

  /// All cgroups but the root, whose counter is the whole machine's; nil if there are none of version 2.
  public func read() -> [CPUSnapshot.Cgroup]? {
    guard kind != .missing, let folder = OpenFiles.descriptor(path) else { return nil }
    var found: [CPUSnapshot.Cgroup] = []
    let files = OpenFiles(folder, most: 4096)
    let inode = top.isEmpty ? nil : files.inode
    Self.walk(files, path: top, inode: inode, depth: 0, &found)
    return found
  }

  private static func walk(
    _ files: consuming OpenFiles, path: String, inode: UInt64?, depth: Int, _ found: inout [CPUSnapshot.Cgroup]
  ) {
    // The counter of a child is read after its parent's, so that a parent seems to have done a little less, and never less than
    // nothing over time.
    if let inode {
      // It has vanished, or never was a cgroup.
      guard let time = (try? files.read(name("cpu.stat"))).flatMap(microseconds) else { return }
      found.append(CPUSnapshot.Cgroup(inode: inode, path: path, microseconds: time))
    }
    guard depth < deepest, found.count < most, files.mayHaveFolders else { return }
    for entry in files.entries() ?? [] where entry.isFolder {
      let number = unsafe openat(files.number, entry.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
      guard number >= 0 else { continue }
      let child = String(decoding: entry.name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      walk(
        OpenFiles(Descriptor(owning: number), most: 4096), path: "\(path)/\(child)", inode: entry.inode,
        depth: depth + 1, &found)
    }
  }

  /// The line `usage_usec` of cpu.stat.
  static func microseconds(_ text: ArraySlice<UInt8>) -> Int64? {
    for line in text.split(separator: 0x0A) {
      let words = line.split(separator: 0x20)
      if words.count == 2, words[0].elementsEqual("usage_usec".utf8) { return ProcessStatistics.number(words[1]) }
    }
    return nil
  }
}

/// A name as a C string.
func name(_ text: String) -> [CChar] { text.utf8.map { CChar(bitPattern: $0) } + [0] }
