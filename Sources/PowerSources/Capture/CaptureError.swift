internal import Glibc
internal import SystemCalls

/// Why a machine cannot be captured, or a capture cannot be replayed.
public enum CaptureError: Error, Equatable {
  /// The folder to write to is not empty.
  case notEmpty(String)
  /// A file of the capture cannot be written.
  case notWritten(path: String, errno: Int32)
  /// A file of the capture cannot be read.
  case notRead(path: String, errno: Int32)
  /// A line that is not part of any capture.
  case malformed(path: String, line: String)
  /// The capture has no trace, so it cannot be replayed.
  case noTrace
  /// A trace that cannot be replayed.
  case trace(path: String, TraceError)
}

extension CaptureError: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .notEmpty(let folder):
      "\(folder) is not an empty folder; choose a new or an empty one, so that nothing is overwritten."
    case .notWritten(let path, let errno): "Cannot write to \(path): \(fileErrorText(errno))."
    case .notRead(let path, let errno): "Cannot read \(path): \(Self.text(errno)); capture the machine again."
    case .malformed(let path, let line):
      "\(path) contains an invalid line (\(line)); capture the machine again."
    case .noTrace:
      "This capture has no trace, so the service cannot replay it; to replay a machine, capture it with --trace."
    case .trace(let path, let error): "\(path) \(error); capture the machine again, with --trace."
    }
  }

  private static func text(_ errno: Int32) -> String {
    errno == ENOENT ? "the capture is incomplete, this file is missing" : fileErrorText(errno)
  }
}

/// Why a text is not a trace.
public struct TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong with it, as the rest of a sentence.
  public let description: String

  init(_ description: String) { self.description = description }

  static func malformed(line: Int) -> Self { Self("has an invalid line, line \(line)") }
}
