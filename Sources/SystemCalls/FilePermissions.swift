internal import SystemPackage

/// The permissions of a file.
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
  /// - Parameter root: a folder that stands for /, with which the path begins, and out of which no link leads; empty for / itself.
  public init(of path: String, root: String = "") throws(FileError) {
    let found = try filePlace(path, root: root)
    do throws(Errno) {
      let file = try found.status()
      self.init(mode: file.mode.rawValue & 0o7777, user: file.userID.rawValue, group: file.groupID.rawValue)
    } catch {
      throw FileError(path: path, error)
    }
  }
}
