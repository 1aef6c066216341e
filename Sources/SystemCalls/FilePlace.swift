internal import CMSRShim
internal import Glibc
internal import SystemPackage

/// Finds a file or folder without opening it, so that it can be examined first.
///
/// - Parameter root: a folder that stands for /, with which the path begins; empty for / itself. Another user may have filled it:
///   symbolic links in it are followed as if it were /, and so never lead out of it. Before Linux 5.6 the kernel cannot do
///   that; none is followed then.
/// - Throws: the system's error.
public func filePlace(_ path: String, root: String) throws(FileError) -> Descriptor {
  let flags = OpenFolder.pathOnly | O_CLOEXEC
  do throws(Errno) {
    if root.isEmpty { return try unsafe Descriptor(result: open(path, flags)) }
    let folder = try unsafe Descriptor(result: open(root, flags | O_DIRECTORY))
    let relative = relativePath(path, to: root)
    let found = unsafe cmsr_open_in_root(folder.number, relative.isEmpty ? "." : relative, flags)
    guard found >= 0 else { throw Errno(rawValue: -found) }
    return Descriptor(owning: found)
  } catch {
    throw FileError(path: path, error)
  }
}

/// A path relative to a root, without a leading slash.
public func relativePath(_ path: String, to root: String) -> String {
  String(decoding: path.utf8.dropFirst(root.utf8.count).drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
}
