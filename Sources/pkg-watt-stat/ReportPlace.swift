internal import Glibc
internal import SystemCalls

/// Where a report goes: a file, which is opened before anything is measured for it, or stderr.
struct ReportPlace: ~Copyable {
  /// Why a report could not be written.
  struct WriteError: Error, CustomStringConvertible {
    let path: String
    let errno: Int32
    /// Whether that was seen before anything was measured.
    var isEarly = false

    var description: String {
      let what = "The report cannot be written to \(path): \(errorText(errno))."
      return isEarly ? "The command was not started. \(what) Choose another --output." : what
    }
  }

  private let path: String
  private let file: Descriptor?

  /// - Parameter path: of a file; nil for stderr.
  init(_ path: String?) throws(WriteError) {
    self.path = path ?? "stderr"
    guard let path else {
      file = nil
      return
    }
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw WriteError(path: path, errno: errno, isEarly: true) }
    file = Descriptor(owning: number)
  }

  /// Writes the report, and a newline.
  func write(_ text: String) throws(WriteError) {
    let number: Int32
    switch file {
    case nil: number = STDERR_FILENO
    case .some(let file): number = file.number
    }
    let error = Self.write(text + "\n", to: number)
    // Who has closed stderr wants no report, and still the command's exit code.
    if error != 0 && number != STDERR_FILENO { throw WriteError(path: path, errno: error) }
  }

  /// Says on stderr why there is no report. Where that is closed there is nobody to tell.
  static func complain(_ text: String) { _ = write("Error: \(text)\n", to: STDERR_FILENO) }

  /// - Returns: 0, or what went wrong.
  private static func write(_ text: String, to number: Int32) -> Int32 {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return errno }
      rest = rest.dropFirst(count)
    }
    return 0
  }
}
