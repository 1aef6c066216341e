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
      complain("Error: \(error.ofReport)")
      return exitCode == 0 ? 1 : exitCode
    }
    return exitCode
  }
}

extension OutputError {
  /// What failed, and why, if a report cannot be written.
  var ofReport: String { "Cannot write the report to \(destination): \(reason)." }
}
