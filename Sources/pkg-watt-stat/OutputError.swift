internal import SystemCalls

/// What `--output` names cannot be written to.
struct OutputError: Error, CustomStringConvertible {
  let path: String
  let errno: Int32

  var description: String {
    "Cannot write \(path): \(fileErrorText(errno)). Choose a path that this user may write to, with --output."
  }
}
