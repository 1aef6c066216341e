internal import Glibc
internal import SystemPackage

/// The system's own words for an errno value, to stand within a sentence: "No such file or directory".
public func errorText(_ errno: Int32) -> String { Errno(rawValue: errno).description }

extension Errno {
  /// Why the last system call of this thread failed.
  static var now: Errno { Errno(rawValue: errno) }
}

/// The same for a file: a symbolic link that is not followed is said to be one.
public func fileErrorText(_ errno: Int32) -> String {
  errno == ELOOP
    ? "it goes through a symbolic link that somebody else made or could change, which is not followed"
    : errorText(errno)
}
