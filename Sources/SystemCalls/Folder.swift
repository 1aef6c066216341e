internal import Glibc

/// Folders.
public enum Folder {
  /// The names in a folder, in no order, without `.` and `..`, and without names that are not valid UTF-8: repaired, they would name
  /// another file. The kernel has no such names.
  ///
  /// - Parameter root: a folder that stands for /, with which the path begins, and out of which no link leads; empty for / itself.
  public static func names(in path: String, root: String = "") throws(FileError) -> [String] {
    try names(in: try filePlace(path, root: root), path)
  }

  /// The names in a folder that has been found, but is not open for reading.
  static func names(in found: borrowing Descriptor, _ path: String) throws(FileError) -> [String] {
    let number = unsafe openat(found.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw FileError(path: path, errno: errno) }
    guard let folder = unsafe fdopendir(number) else {
      let reason = errno
      close(number)
      throw FileError(path: path, errno: reason)
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(validating: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let name, name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw FileError(path: path, errno: errno) }
    return names
  }
}
