internal import CMSRShim
internal import Glibc

/// Finds a file or folder without opening it, so that it can be looked at first.
///
/// - Parameter root: a folder that stands for /, with which the path begins; empty for / itself. Somebody else may have filled
///   it: symbolic links in it lead as if it were /, and so never out of it. None is followed if the kernel is older than Linux
///   5.6, which cannot do that.
/// - Throws: what the system says.
public func filePlace(_ path: String, root: String) throws(FileError) -> Descriptor {
  let flags = OpenFolder.pathOnly | O_CLOEXEC
  guard !root.isEmpty else {
    let number = unsafe open(path, flags)
    guard number >= 0 else { throw FileError(path: path, errno: errno) }
    return Descriptor(owning: number)
  }
  let number = unsafe open(root, flags | O_DIRECTORY)
  guard number >= 0 else { throw FileError(path: path, errno: errno) }
  let folder = Descriptor(owning: number)
  let relative = relativePath(path, to: root)
  let found = unsafe cmsr_open_in_root(folder.number, relative.isEmpty ? "." : relative, flags)
  guard found >= 0 else { throw FileError(path: path, errno: -found) }
  return Descriptor(owning: found)
}

/// A path from a root on, without the root's slash.
public func relativePath(_ path: String, to root: String) -> String {
  String(decoding: path.utf8.dropFirst(root.utf8.count).drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
}
