internal import Glibc
internal import SystemCalls

/// A file that cannot be written.
struct OutputError: Error, CustomStringConvertible {
  let path: String
  let errno: Int32

  var description: String {
    errno == EEXIST
      ? "\(path) is there and is no file, so it is left alone; choose another path with --output."
      : "Cannot write \(path): \(fileErrorText(errno)). Choose a path that this user may write to, with --output."
  }
}
