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
      return Entry(number: number, place: Self.unescaped(words[4]), type: String(words[end + 1]))
    }
  }

  /// The mount that an open file is on.
  func entry(of file: borrowing Descriptor) -> Entry? {
    let number = cmsr_mount_number(file.number)
    return entries.first { $0.number == number }
  }

  /// Spaces, tabs, newlines and backslashes are written as three octal digits.
  private static func unescaped(_ word: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(word.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
