internal import Glibc
internal import SystemCalls

/// Where a report goes: a file or what else a path names, or stderr.
struct ReportPlace: ~Copyable {
  /// Why a report could not be written.
  struct WriteError: Error, CustomStringConvertible {
    let path: String
    let errno: Int32
    /// Whether that was seen before anything was measured.
    var isEarly = false

    var description: String {
      let what = "The report cannot be written to \(path): \(fileErrorText(errno))."
      return isEarly ? "The command was not started. \(what) Choose another --output." : what
    }
  }

  private let path: String
  private let place: OutputPlace?

  /// Makes sure that a report can be written, before anything is measured for it. What is there stays as it is until then.
  ///
  /// - Parameter path: of a file; nil for stderr.
  init(_ path: String?) throws(WriteError) {
    self.path = path ?? "stderr"
    guard let path else {
      place = nil
      return
    }
    do {
      place = try OutputPlace(path)
    } catch {
      throw WriteError(path: path, errno: error.errno, isEarly: true)
    }
  }

  /// Writes the report, and a newline.
  func write(_ text: String) throws(WriteError) {
    switch place {
    case .some(let place):
      do {
        try place.write(text + "\n")
      } catch {
        throw WriteError(path: path, errno: error.errno)
      }
    case nil:
      let error = writeAll((text + "\n").utf8, to: STDERR_FILENO)
      // Who has closed stderr wants no report, and still the command's exit code.
      if error != 0 && error != EPIPE { throw WriteError(path: path, errno: error) }
    }
  }
}
