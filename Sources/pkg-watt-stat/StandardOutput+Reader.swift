internal import CMSRShim
internal import Glibc
internal import SystemCalls

extension StandardOutput {
  /// stdout, if it tells when nobody reads it any more; else -1.
  static var reader: Int32 { cmsr_tells_of_its_reader(STDOUT_FILENO) != 0 ? STDOUT_FILENO : -1 }

  /// Ends as the next write to stdout would, whenever that were.
  static func endUnread() throws -> Never {
    raise(SIGPIPE)
    throw OutputError(.standardOutput, errno: EPIPE)
  }
}
