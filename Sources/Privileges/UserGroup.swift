internal import CMSRShim
internal import Glibc

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
