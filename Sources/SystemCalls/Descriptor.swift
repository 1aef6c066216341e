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

  /// Gives the descriptor to another owner, who closes it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
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
