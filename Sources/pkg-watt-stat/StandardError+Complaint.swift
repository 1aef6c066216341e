internal import Formatting
internal import PowerProtocol
internal import SystemCalls

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
