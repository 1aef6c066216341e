internal import Formatting
internal import Glibc
public import SystemCalls

extension RunReport {
  /// Writes the report.
  ///
  /// - Parameter complain: takes a sentence if it cannot be written.
  /// - Returns: the exit code: the command's, or 1 if the command succeeded but the report could not be written. If stderr is closed,
  ///   nobody wants the report.
  public func write(to place: borrowing Output, asJSON: Bool, complain: (String) -> Void) -> Int32 {
    do throws(OutputError) {
      try place.write((asJSON ? json.text : text) + "\n")
    } catch {
      if error == OutputError(.standardError, errno: EPIPE) { return exitCode }
      complain("Error: \(ReportNotWritten(error))")
      return exitCode == 0 ? 1 : exitCode
    }
    return exitCode
  }
}

/// A report that could not be written.
public struct ReportNotWritten: Error, CustomStringConvertible {
  private let cause: OutputError
  private let isEarly: Bool

  /// A failure.
  ///
  /// - Parameter isEarly: whether this was found before the command was started.
  public init(_ cause: OutputError, isEarly: Bool = false) {
    self.cause = cause
    self.isEarly = isEarly
  }

  /// What failed, why, and what to do.
  public var description: String {
    let what = "Cannot write the report to \(cause.destination): \(cause.reason)."
    return isEarly ? "The command was not started. \(what) Choose another path for --output." : what
  }
}
