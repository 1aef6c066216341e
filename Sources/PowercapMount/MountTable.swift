internal import CMSRShim
internal import SystemCalls

/// The mounts that this process sees; see proc_pid_mountinfo(5).
struct MountTable {
  /// A mount.
  struct Entry: Equatable {
    /// Its number, which no other mount has while it lasts.
    let number: Int32
    /// Where it is mounted.
    let place: String
    /// The file system's type, with its subtype: "fuse.pkg-watt-stat".
    let type: String
  }

  /// The mounts, each after those that it is mounted on.
  let entries: [Entry]

  /// Reads the table as it is now. Anyone may have mounted something on a path that is not UTF-8.
  init() throws(TreeError) {
    do {
      self.init(try TextFile.read("/proc/self/mountinfo", repaired: true))
    } catch {
      throw .noMountTable(errno: error.errno)
    }
  }

  /// Reads a table's text. Lines that are not a mount's are left out.
  init(_ text: String) {
    entries = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      // Optional fields end with a lone hyphen, and the type follows it.
      guard let end = words.dropFirst(6).firstIndex(of: "-"), words.indices.contains(end + 1),
        let number = Int32(words[0])
      else { return nil }
      return Entry(number: number, place: MountInfo.unescaped(words[4]), type: String(words[end + 1]))
    }
  }

  /// The mount that an open file is on.
  func entry(of file: borrowing Descriptor) -> Entry? {
    let number = cmsr_mount_number(file.number)
    return entries.first { $0.number == number }
  }
}
