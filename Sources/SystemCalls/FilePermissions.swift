internal import Glibc

/// Who may do what with a file.
public struct FilePermissions: Sendable, Equatable {
  /// The permission bits, as in chmod(1).
  public let mode: UInt32
  /// The owner's number.
  public let user: UInt32
  /// The group's number.
  public let group: UInt32

  /// Permissions from their parts.
  public init(mode: UInt32, user: UInt32, group: UInt32) {
    self.mode = mode
    self.user = user
    self.group = group
  }

  /// The permissions of a file.
  ///
  /// - Parameter root: a folder that stands for /, with which the path begins, and out of which no link is followed; empty for / itself.
  public init(of path: String, root: String = "") throws(FileError) {
    let found = try filePlace(path, root: root)
    var status = stat()
    guard unsafe fstat(found.number, &status) == 0 else { throw FileError(path: path, errno: errno) }
    self.init(mode: status.st_mode & 0o7777, user: status.st_uid, group: status.st_gid)
  }
}
