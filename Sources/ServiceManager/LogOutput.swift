internal import CMSRShim
internal import Glibc
internal import Synchronization

/// Writes lines to stderr without ever waiting for the reader. A line that does not fit is dropped whole; the number of
/// dropped lines is logged once there is room again.
final class LogOutput: Sendable {
  /// This process's.
  static let stderr = LogOutput(own: cmsr_open_own_stderr())

  private struct State {
    /// The part of a line that did not fit.
    var rest: ArraySlice<UInt8> = []
    var leftOut = 0
  }

  private let own: Int32
  private let state = Mutex(State())

  /// - Parameter own: a non-blocking descriptor of this process's own; -1 for stderr itself, which others may share.
  init(own: Int32) {
    self.own = own
  }

  /// Writes a line, or drops it: a log that nobody reads, or whose disk is full, must not stop the service.
  ///
  /// - Parameter notice: makes the line that says how many were dropped.
  func write(_ line: String, notice: (Int) -> String) {
    state.withLock { state in
      var fits = put(state.rest, &state.rest) && state.rest.isEmpty
      if fits, state.leftOut > 0 {
        fits = put(Array(notice(state.leftOut).utf8)[...], &state.rest)
        if fits { state.leftOut = 0 }
        fits = fits && state.rest.isEmpty
      }
      if !fits || !put(Array(line.utf8)[...], &state.rest) { state.leftOut += 1 }
    }
  }

  /// Writes as much as fits, and keeps the rest.
  ///
  /// - Returns: false if nothing fits; then nothing more is kept either.
  private func put(_ bytes: ArraySlice<UInt8>, _ rest: inout ArraySlice<UInt8>) -> Bool {
    var left = bytes
    while !left.isEmpty {
      let written = unsafe left.withUnsafeBytes { unsafe cmsr_write_to_stderr(own, $0.baseAddress, $0.count) }
      guard written > 0 else { break }
      left = left.dropFirst(written)
    }
    if left.count == bytes.count && !bytes.isEmpty { return false }
    rest = left
    return true
  }
}
