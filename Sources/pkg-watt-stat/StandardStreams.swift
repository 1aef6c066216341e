internal import CMSRShim
internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import SystemCalls

/// What was asked for makes no sense, for a reason that the list of options does not explain: only the reason is printed, and
/// the exit code is that of wrong usage.
struct UsageError: Error, CustomStringConvertible {
  /// As sysexits.h has it, and the argument parser.
  static let exitCode: Int32 = 64

  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension StandardError {
  /// Says what somebody's words may be in, such as an argument or a path: they cannot steer a terminal.
  ///
  /// - Parameter waits: whether for whoever reads it; a service's end must not.
  static func complain(_ text: String, waits: Bool = true) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).harmless }
    let text = lines.joined(separator: "\n")
    if waits { say(text) } else { StderrLogHandler.write(text + "\n") }
  }
}

extension StandardOutput {
  /// stdout, if it tells when nobody reads it any more; else -1.
  static var reader: Int32 { cmsr_tells_of_its_reader(STDOUT_FILENO) != 0 ? STDOUT_FILENO : -1 }

  /// Ends as the next write to stdout would, whenever that were.
  static func endUnread() throws -> Never {
    raise(SIGPIPE)
    throw OutputError(.standardOutput, errno: EPIPE)
  }
}
