internal import CMSRShim
internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import SystemCalls

/// Wrong usage for a reason that the list of options does not explain. Only the reason is printed; the exit code is that of
/// wrong usage.
struct UsageError: Error, CustomStringConvertible {
  /// As sysexits.h has it, and the argument parser.
  static let exitCode: Int32 = 64

  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension StandardError {
  /// Prints a text that may contain words from outside, such as an argument or a path, without its control characters.
  ///
  /// - Parameter waits: whether to wait for the reader; a service that ends must not.
  static func complain(_ text: String, waits: Bool = true) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).harmless }
    let text = lines.joined(separator: "\n")
    if waits { say(text) } else { StderrLogHandler.write(text + "\n") }
  }
}

extension StandardOutput {
  /// stdout, if it tells when its reader is gone; else -1.
  static var reader: Int32 { cmsr_tells_of_its_reader(STDOUT_FILENO) != 0 ? STDOUT_FILENO : -1 }

  /// Ends the process as the next write to stdout would.
  static func endUnread() throws -> Never {
    raise(SIGPIPE)
    throw OutputError(.standardOutput, errno: EPIPE)
  }
}
