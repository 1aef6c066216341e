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
