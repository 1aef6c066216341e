internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A user of this system, from the user database.
public struct ServiceUser: Sendable, Equatable {
  /// The system user that the service becomes by default.
  public static let defaultName = "pkg-watt-stat"

  /// The results of databases for an unknown name differ; see getpwnam(3).
  static let nobody: Set<Int32> = [0, ENOENT, ESRCH, EBADF, EPERM]

  /// The login name.
  public let name: String
  /// The user id.
  public let user: UInt32
  /// The id of the primary group.
  public let group: UInt32

  /// Looks a user up by name.
  ///
  /// - Returns: nil if there is no such user.
  /// - Throws: `PrivilegeError.lookup` if the database cannot be read.
  public static func named(_ name: String) throws(PrivilegeError) -> Self? {
    errno = 0
    // There is only one thread here, so nothing else uses the static storage of getpwnam.
    guard let entry = unsafe getpwnam(name) else {
      if Self.nobody.contains(errno) { return nil }
      throw .lookup(kind: "user", name: name, errno: errno)
    }
    return unsafe Self(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
  }
}

/// The groups of this system, from the group database.
public enum UserGroup {
  /// A group's id.
  ///
  /// - Returns: nil if there is no such group.
  /// - Throws: `PrivilegeError.lookup` if the database cannot be read.
  public static func id(of name: String) throws(PrivilegeError) -> UInt32? {
    errno = 0
    // There is only one thread here, so nothing else uses the static storage of getgrnam.
    guard let entry = unsafe getgrnam(name) else {
      if ServiceUser.nobody.contains(errno) { return nil }
      throw .lookup(kind: "group", name: name, errno: errno)
    }
    return unsafe entry.pointee.gr_gid
  }
}
