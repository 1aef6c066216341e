internal import Glibc
internal import SystemPackage

/// An open folder, in which names are made and found without using its path again.
///
/// Its path is walked name by name. A symbolic link is followed only if root or this process's user made it, and no other user
/// could have put it there. So no user can lead root out of a folder of their own, or out of one like /tmp.
public struct OpenFolder: ~Copyable, Sendable {
  /// O_PATH, which the C library hides from Swift: for naming files in a folder.
  static let pathOnly: Int32 = 0o10000000
  private static let flags = pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
  /// The kernel's limit on symbolic links.
  static let mostLinks = 40

  let descriptor: Descriptor
  /// The path as it was given.
  public let path: String

  /// Opens a folder.
  ///
  /// - Parameter making: whether to make it, and those around it, if they are missing.
  /// - Throws: ELOOP for a symbolic link that is not followed, else the system's error.
  public init(_ path: String, making: Bool = false) throws(FileError) {
    self.path = path
    do throws(Errno) {
      descriptor = try Self.walk(path, making: making)
    } catch {
      throw FileError(path: path, error)
    }
  }

  /// The folder alone, for naming files in it.
  public consuming func place() -> Descriptor { descriptor }

  /// The names in it, in no order, without `.` and `..`.
  public func names() throws(FileError) -> [String] {
    try Folder.names(in: descriptor, path)
  }

  /// Makes a folder in it, at a relative path, and missing ones around that. No symbolic link is followed.
  public func make(_ relative: String) throws(FileError) {
    _ = try folder(relative.utf8.split(separator: UInt8(ascii: "/")).map(Array.init))
  }

  /// Writes a new file in it, at a relative path, and makes the folders around it. No symbolic link is followed.
  ///
  /// - Parameter mode: the permissions, as in chmod(1), less the process's umask.
  /// - Throws: EEXIST if something already has that name, else the system's error.
  public func create(_ relative: String, _ text: String, mode: UInt32 = 0o644) throws(FileError) {
    var names = relative.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
    guard let name = names.popLast() else { throw FileError(path: "\(path)/\(relative)", errno: EISDIR) }
    let folder = try folder(names)
    do throws(Errno) {
      try TextFile.write(text, to: try Self.newFile(cString(name), in: folder, mode: mode))
    } catch {
      throw FileError(path: "\(path)/\(relative)", error)
    }
  }

  /// Opens a file that does not exist yet.
  static func newFile(
    _ name: [CChar], in folder: borrowing Descriptor, mode: UInt32 = 0o644
  ) throws(Errno) -> Descriptor {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    return try unsafe Descriptor(result: openat(folder.number, name, flags, mode))
  }

  private func folder(_ names: [[UInt8]]) throws(FileError) -> Descriptor {
    do throws(Errno) {
      var folder = try Self.opened(".", in: descriptor.number)
      for name in names {
        guard name != Array("..".utf8) else { throw Errno.invalidArgument }
        let name = cString(name)
        guard unsafe mkdirat(folder.number, name, 0o755) == 0 || errno == EEXIST else { throw Errno.now }
        folder = try unsafe Descriptor(result: openat(folder.number, name, Self.flags))
      }
      return folder
    } catch {
      let names = names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
      throw FileError(path: "\(path)/\(names)", error)
    }
  }

  private static func opened(_ path: String, in folder: Int32) throws(Errno) -> Descriptor {
    try unsafe Descriptor(result: openat(folder, path, flags))
  }

  static func walk(_ path: String, making: Bool) throws(Errno) -> Descriptor {
    let slash = UInt8(ascii: "/")
    var rest = path.utf8.split(separator: slash).map(Array.init)
    var folder = try opened(path.utf8.first == slash ? "/" : ".", in: AT_FDCWD)
    var links = 0
    while !rest.isEmpty {
      let name = cString(rest.removeFirst())
      var number = unsafe openat(folder.number, name, flags)
      if number < 0 && errno == ENOENT && making {
        guard unsafe mkdirat(folder.number, name, 0o755) == 0 || errno == EEXIST else { throw Errno.now }
        number = unsafe openat(folder.number, name, flags)
      }
      if number >= 0 {
        folder = Descriptor(owning: number)
        continue
      }
      let reason = Errno.now
      guard reason == .notDirectory || reason == .tooManySymbolicLinkLevels,
        let target = try followed(name, in: folder)
      else { throw reason }
      links += 1
      guard links <= mostLinks else { throw Errno.tooManySymbolicLinkLevels }
      rest = target.split(separator: slash).map(Array.init) + rest
      if target.first == slash { folder = try opened("/", in: AT_FDCWD) }
    }
    return folder
  }

  /// The target of a symbolic link; nil if it is not a link.
  ///
  /// - Throws: ELOOP if it must not be followed.
  static func followed(_ name: [CChar], in folder: borrowing Descriptor) throws(Errno) -> [UInt8]? {
    let link = try folder.status(of: name)
    let around = try folder.status()
    guard link.type == .symbolicLink else { return nil }
    guard isOurs(link), isOurs(around), !isOpenToOthers(around) else { throw Errno.tooManySymbolicLinkLevels }
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlinkat(folder.number, name, &target, target.count)
    guard count >= 0 else { throw Errno.now }
    guard count > 0, count < target.count else { throw Errno.fileNameTooLong }
    return target.prefix(count).map { UInt8(bitPattern: $0) }
  }

  private static func isOurs(_ file: Stat) -> Bool { file.userID.rawValue == 0 || file.userID.rawValue == geteuid() }

  /// Whether another user may rename files in a folder. In a sticky folder only their owners may.
  private static func isOpenToOthers(_ folder: Stat) -> Bool {
    guard !folder.permissions.contains(.saveText) else { return false }
    return folder.permissions.contains(.otherWrite)
      || folder.permissions.contains(.groupWrite) && folder.groupID.rawValue != getegid()
  }
}

/// Bytes as a C string.
func cString(_ bytes: some Sequence<UInt8>) -> [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }

/// A path split at its last slash, as bytes: to Swift, a slash followed by a combining accent is one character, which is not a
/// slash.
public struct PathParts: Equatable {
  /// The folder; "." for a path without a slash, "/" in the root.
  public let folder: String
  /// The name in that folder; empty after a trailing slash.
  public let name: String

  /// The parts of a path.
  public init(_ path: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      folder = "."
      name = path
      return
    }
    let folder = String(decoding: path.utf8[..<slash], as: UTF8.self)
    self.folder = folder.isEmpty ? "/" : folder
    name = String(decoding: path.utf8[path.utf8.index(after: slash)...], as: UTF8.self)
  }
}
