internal import Diagnosis
internal import Formatting
internal import Glibc
internal import SystemCalls

/// How far a cross-check is, on stderr, since stdout is the result's: one line that changes on a terminal, else one now and
/// then.
struct ProgressLine {
  private static let everyWindows = 10
  private let isTerminal = isatty(STDERR_FILENO) == 1

  /// Says a line.
  func say(_ text: String) { write(text + "\n") }

  /// Shows the latest window.
  func show(_ progress: CrossCheck.Progress) {
    let text =
      "\(progress.windows) of \(progress.wantedWindows) windows; the last: \(Numbers.fixed(progress.ours, places: 2)) W ours, "
      + "\(Numbers.fixed(progress.reference, places: 2)) W theirs"
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
    // Where stderr is gone there is nobody to tell.
    _ = writeAll(text.utf8, to: STDERR_FILENO)
  }
}
