internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A user of this system, as the user database knows it.
public struct ServiceUser: Sendable, Equatable {
  /// The system user that the service becomes unless told otherwise.
  public static let defaultName = "pkg-watt-stat"

  /// What the databases say of an unknown name differs, see getpwnam(3).
  static let nobody: Set<Int32> = [0, ENOENT, ESRCH, EBADF, EPERM]

  /// The login name.
  public let name: String
  /// The user id.
  public let user: UInt32
  /// The id of the primary group.
  public let group: UInt32

  /// A user from its parts.
  public init(name: String, user: UInt32, group: UInt32) {
    self.name = name
    self.user = user
    self.group = group
  }

  /// Looks a user up by name.
  ///
  /// - Returns: nil where there is no such user.
  /// - Throws: `PrivilegeError.lookup` where the database cannot be read.
  public static func named(_ name: String) throws(PrivilegeError) -> Self? {
    errno = 0
    // Single-threaded here, so that the static storage of getpwnam is ours alone.
    guard let entry = unsafe getpwnam(name) else {
      if Self.nobody.contains(errno) { return nil }
      throw .lookup(user: name, errno: errno)
    }
    return unsafe Self(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
  }
}

/// The groups of this system, as the group database knows them.
public enum UserGroup {
  /// A group's id.
  ///
  /// - Returns: nil where there is no such group.
  /// - Throws: `PrivilegeError.groupLookup` where the database cannot be read.
  public static func id(of name: String) throws(PrivilegeError) -> UInt32? {
    errno = 0
    // Single-threaded here, so that the static storage of getgrnam is ours alone.
    guard let entry = unsafe getgrnam(name) else {
      guard ServiceUser.nobody.contains(errno) else { throw .groupLookup(group: name, errno: errno) }
      return nil
    }
    return unsafe entry.pointee.gr_gid
  }
}
