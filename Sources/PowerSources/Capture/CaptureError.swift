internal import SystemCalls

/// Why a machine is not captured, or a captured one not replayed.
public enum CaptureError: Error, Equatable {
  /// The folder to write into holds something already.
  case notEmpty(String)
  /// A file of the capture cannot be written.
  case notWritten(path: String, errno: Int32)
  /// A file of the capture cannot be read.
  case notRead(path: String, errno: Int32)
  /// A line that no capture has.
  case malformed(path: String, line: String)
  /// A trace that cannot be replayed.
  case trace(path: String, TraceError)
}

extension CaptureError: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .notEmpty(let folder): "\(folder) is no empty folder; give one, so that nothing of yours is written over."
    case .notWritten(let path, let errno): "Cannot write \(path): \(fileErrorText(errno))."
    case .notRead(let path, let errno): "Cannot read \(path): \(errorText(errno)); capture the machine again."
    case .malformed(let path, let line):
      "\(path) holds a line that no capture has (\(line)); capture the machine again."
    case .trace(let path, let error): "\(path) \(error); capture the machine again, with --trace."
    }
  }
}
