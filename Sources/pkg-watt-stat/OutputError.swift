internal import Glibc
internal import SystemCalls

/// A file that cannot be written.
struct OutputError: Error, CustomStringConvertible {
  let path: String
  let errno: Int32

  var description: String {
    errno == EEXIST
      ? "\(path) is not a regular file, so it cannot be replaced as a whole; choose another path, or write to it by > instead of --output."
      : "Cannot write \(path): \(fileErrorText(errno)). Choose a path that this user may write to, with --output."
  }
}
