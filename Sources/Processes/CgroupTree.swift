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

  /// Which versions are mounted.
  public let kind: Kind
  private let path: String

  /// The tree that a process sees mounted.
  ///
  /// - Parameter root: a folder that stands for /; empty for / itself.
  public init(root: String = "") {
    let mounts = ((try? TextFile.read(root + "/proc/self/mountinfo", root: root)) ?? "").split(separator: "\n")
    // After " - ": the type; before it the mount point is the fifth field. Source: proc_pid_mountinfo(5).
    func points(_ type: String) -> [String] {
      mounts.compactMap { line in
        guard let dash = line.firstRange(of: " - ") else { return nil }
        let fields = line[..<dash.lowerBound].split(separator: " ")
        guard fields.count > 4, line[dash.upperBound...].split(separator: " ").first == Substring(type) else {
          return nil
        }
        return Self.plain(String(fields[4]))
      }
    }
    let point = points("cgroup2").first
    kind = point == nil ? .missing : points("cgroup").isEmpty ? .unified : .hybrid
    path = root + (point ?? "")
  }

  /// A path of mountinfo without its octal escapes: `\040` is a space.
  private static func plain(_ path: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(path.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// All cgroups but the root, whose counter is the whole machine's; nil if there are none of version 2.
  public func read() -> [CPUSnapshot.Cgroup]? {
    guard kind != .missing, let top = OpenFiles.descriptor(path) else { return nil }
    var found: [CPUSnapshot.Cgroup] = []
    Self.walk(OpenFiles(top, most: 4096), path: "", inode: nil, depth: 0, &found)
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
