internal import Glibc
internal import SystemPackage

/// An open file descriptor with one owner. It is closed when the owner goes away.
public struct Descriptor: ~Copyable, Sendable {
  /// The descriptor's number, valid as long as this value lives.
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(owning number: Int32) {
    self.number = number
  }

  /// What a system call has just given: a descriptor, or -1.
  init(result number: Int32) throws(Errno) {
    guard number >= 0 else { throw Errno.now }
    self.number = number
  }

  /// Gives the descriptor to another owner, who closes it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  /// The first bytes of its file as they are now, this many at most. Reading at offset 0 makes the kernel write the text of a file
  /// of /proc or /sys again.
  ///
  /// - Parameter path: the file's path, for the error.
  public func firstBytes(_ most: Int, of path: String) throws(FileError) -> ArraySlice<UInt8> {
    var bytes = [UInt8](repeating: 0, count: most)
    do {
      let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(fromAbsoluteOffset: 0, into: $0) }
      return bytes[..<count]
    } catch {
      throw FileError(path: path, error)
    }
  }

  /// The descriptor for swift-system, which does not own it.
  var file: FileDescriptor { FileDescriptor(rawValue: number) }

  func status() throws(Errno) -> Stat { try Stat(file) }

  /// A name in this folder, without following a symbolic link.
  func status(of name: [CChar]) throws(Errno) -> Stat {
    try unsafe Stat(name, relativeTo: file, flags: .symlinkNoFollow)
  }

  deinit {
    close(number)
  }
}
