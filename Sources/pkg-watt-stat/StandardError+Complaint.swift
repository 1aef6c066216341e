internal import PowerProtocol
internal import SystemCalls

extension StandardError {
  /// Says what somebody's words may be in, such as an argument or a path: they cannot steer a terminal.
  static func complain(_ text: String) {
    say(
      text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).harmless }.joined(separator: "\n"))
  }
}
