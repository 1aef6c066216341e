internal import Glibc
internal import SystemPackage

/// A file that is written whole or not at all: first beside its path, then renamed. Until then the old file stays.
///
/// Opening it shows that it can be written. If it is dropped before it is published, nothing has changed.
public struct NewFile: ~Copyable, Sendable {
  private let path: String
  private let name: [CChar]
  private let temporary: [CChar]
  private let folder: Descriptor
  private let file: Descriptor
  private var isPublished = false

  /// Begins a file that will replace the one at a path. It keeps the permissions of a file that this user owns.
  ///
  /// - Throws: EEXIST if the path is not a regular file, or is a symbolic link; ELOOP if the path goes through a symbolic link that
  ///   is not followed, see `OpenFolder`; else the system's error.
  public init(replacing path: String) throws(FileError) {
    self.path = path
    let parts = PathParts(path)
    name = cString(parts.name.utf8)
    temporary = cString((".pkg-watt-stat-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)).utf8)
    do throws(Errno) {
      guard !["", ".", ".."].contains(parts.name) else { throw Errno.isDirectory }
      let folder = try OpenFolder.walk(parts.folder, making: false)
      let mode = try Self.mode(of: name, in: folder)
      let file = try OpenFolder.newFile(temporary, in: folder)
      if let mode, fchmod(file.number, mode) != 0 {
        let reason = Errno.now
        unsafe unlinkat(folder.number, temporary, 0)
        throw reason
      }
      self.folder = folder
      self.file = file
    } catch {
      throw FileError(path: path, error)
    }
  }

  /// The permissions of an old file that this user owns; nil if it is another user's, or there is none.
  private static func mode(of name: [CChar], in folder: borrowing Descriptor) throws(Errno) -> mode_t? {
    do throws(Errno) {
      let old = try folder.status(of: name)
      guard old.type == .regular else { throw Errno.fileExists }
      return old.userID.rawValue == geteuid() ? old.mode.rawValue & 0o777 : nil
    } catch .noSuchFileOrDirectory {
      return nil
    }
  }

  /// Writes the text, and puts the file in its place in one step.
  public consuming func publish(_ text: String) throws(FileError) {
    do throws(Errno) {
      try TextFile.write(text, to: file)
      guard unsafe renameat(folder.number, temporary, folder.number, name) == 0 else { throw Errno.now }
      isPublished = true
    } catch {
      throw FileError(path: path, error)
    }
  }

  deinit {
    if !isPublished { unsafe unlinkat(folder.number, temporary, 0) }
  }
}
