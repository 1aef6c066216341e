internal import Glibc
internal import SystemPackage

/// The place that a user named for output: a file, which is replaced as a whole, or something else, such as a pipe or a terminal,
/// which is written to.
///
/// Symbolic links are followed as in `OpenFolder`, also at the end of the path.
public struct OutputPlace: ~Copyable {
  private let path: String
  /// The file's path, with all links resolved.
  private let target: String
  private let special: Descriptor?

  /// Finds a path, and makes sure that it can be written to. An old file stays as it is.
  ///
  /// - Throws: ELOOP for a symbolic link that is not followed, else the system's error.
  public init(_ path: String) throws(FileError) {
    let found: (target: String, special: Int32?)
    do {
      found = try Self.find(path)
      // Closed again, so that no temporary file is left while the output is made.
      if found.special == nil { _ = try NewFile(replacing: found.target) }
    } catch {
      throw FileError(path: path, errno: error.errno)
    }
    self.path = path
    target = found.target
    special = found.special.map { Descriptor(owning: $0) }
  }

  /// Whether it is a file, which holds only the latest text.
  public var isFile: Bool {
    switch special {
    case .some: false
    case nil: true
    }
  }

  /// Writes a text; it replaces the content of a file.
  public func write(_ text: String) throws(FileError) {
    switch special {
    case .some(let special):
      let error = writeAll(text.utf8, to: special.number)
      if error != 0 { throw FileError(path: path, errno: error) }
    case nil:
      do {
        try TextFile.replace(target, text)
      } catch {
        throw FileError(path: path, errno: error.errno)
      }
    }
  }

  /// The target of a path, and an open descriptor of it if that is not a file.
  private static func find(_ path: String) throws(FileError) -> (target: String, special: Int32?) {
    var path = path
    for _ in 0...OpenFolder.mostLinks {
      let parts = PathParts(path)
      let folder = try OpenFolder(parts.folder).place()
      let name = cString(parts.name.utf8)
      let there: Stat
      do throws(Errno) {
        there = try folder.status(of: name)
      } catch {
        guard error == .noSuchFileOrDirectory else { throw FileError(path: path, error) }
        return (path, nil)
      }
      switch there.type {
      case .regular: return (path, nil)
      case .directory: throw FileError(path: path, .isDirectory)
      case .symbolicLink:
        // /dev/stdout ends in such a link: it leads to an open file, and its text is not a path to continue from.
        if isOpenDescriptor(parts.name, in: folder) { return (path, try open(name, in: folder, path)) }
        do throws(Errno) {
          guard let next = try OpenFolder.followed(name, in: folder) else { continue }
          let link = String(decoding: next, as: UTF8.self)
          path = next.first == UInt8(ascii: "/") ? link : "\(parts.folder)/\(link)"
        } catch {
          throw FileError(path: path, error)
        }
      default: return (path, try open(name, in: folder, path, O_NOFOLLOW))
      }
    }
    throw FileError(path: path, errno: ELOOP)
  }

  /// Whether a link is one of those in /proc/self/fd.
  private static func isOpenDescriptor(_ name: String, in folder: borrowing Descriptor) -> Bool {
    guard name.allSatisfy(\.isNumber) else { return false }
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink("/proc/self/fd/\(folder.number)", &target, target.count)
    let path = String(decoding: target.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.hasPrefix("/proc/") && path.hasSuffix("/fd")
  }

  private static func open(
    _ name: [CChar], in folder: borrowing Descriptor, _ path: String, _ flags: Int32 = 0
  ) throws(FileError) -> Int32 {
    // Appended: what was written there before stays.
    let number = unsafe openat(folder.number, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | flags)
    guard number >= 0 else { throw FileError(path: path, errno: errno) }
    // A file that was put there in the meantime may be a link to another user's file.
    let opened = Descriptor(owning: number)
    guard flags & O_NOFOLLOW == 0 || (try? opened.status().type) ?? .regular != .regular else {
      throw FileError(path: path, .fileExists)
    }
    return opened.release()
  }
}
