internal import Glibc
internal import SystemPackage

/// The system's text for an errno value, as part of a sentence: "No such file or directory".
public func errorText(_ errno: Int32) -> String { Errno(rawValue: errno).description }

extension Errno {
  /// Why the last system call of this thread failed.
  static var now: Errno { Errno(rawValue: errno) }
}

/// The same for a file, with texts of our own for what this room refuses.
public func fileErrorText(_ errno: Int32) -> String {
  switch errno {
  case ELOOP: "its path has a symbolic link that another user made or could change, which is not followed"
  case ENOTSUP: "it is not a regular file"
  case EILSEQ: "it is not text (UTF-8)"
  case EFBIG: "the file is too large"
  case EEXIST: "something else is at this path, and was not overwritten"
  default: errorText(errno)
  }
}

/// A file or folder that could not be read or written.
public struct FileError: Error, Equatable {
  /// The path as the caller gave it.
  public let path: String
  /// The errno value.
  public let errno: Int32

  /// The reason, as part of a sentence.
  public var reason: String { fileErrorText(errno) }

  /// A failure with a path.
  public init(path: String, errno: Int32) {
    self.path = path
    self.errno = errno
  }

  init(path: String, _ error: Errno) { self.init(path: path, errno: error.rawValue) }

  /// A failure of a function of swift-system: its functions throw nothing but `Errno`, and some do not declare it.
  init(path: String, _ error: any Error) { self.init(path: path, errno: (error as? Errno)?.rawValue ?? EIO) }
}
