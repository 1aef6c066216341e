internal import Diagnosis
internal import Formatting
internal import Glibc
internal import SystemCalls

/// Shows the progress of a cross-check on stderr, because the result goes to stdout: on a terminal one line that changes, else
/// a line now and then.
struct ProgressLine {
  private static let everyWindows = 10
  private let isTerminal = isatty(STDERR_FILENO) == 1

  /// Says a line.
  func say(_ text: String) { write(text + "\n") }

  /// Shows the latest window.
  func show(_ progress: CrossCheck.Progress) {
    let text =
      "\(progress.windows) of \(progress.wantedWindows) windows; latest: we read \(Numbers.fixed(progress.ours, places: 2)) W, "
      + "the reference \(Numbers.fixed(progress.reference, places: 2)) W"
    if isTerminal {
      write("\r\u{1B}[K" + text)
    } else if progress.windows % Self.everyWindows == 0 {
      say(text)
    }
  }

  /// Leaves no half line.
  func end() {
    if isTerminal { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    // An error is ignored: without stderr nobody sees the progress.
    _ = writeAll(text.utf8, to: STDERR_FILENO)
  }
}
