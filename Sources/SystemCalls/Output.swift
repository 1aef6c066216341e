internal import CMSRShim
internal import Formatting
internal import Glibc

/// Standard error.
public enum StandardError {
  /// Writes a line. An error is ignored: there is no other place to report it.
  public static func say(_ line: String) { _ = writeAll((line + "\n").utf8, to: STDERR_FILENO) }

  /// Writes a text that may contain words from outside, such as an argument or a path, without its control characters.
  public static func complain(_ text: String) { say(text.harmlessLines) }
}

/// Standard output, unbuffered: text has arrived when the call returns, or the call throws.
public enum StandardOutput {
  /// Writes a text. A reader that has gone ends the process by SIGPIPE. If that is ignored, an error with EPIPE is thrown; see
  /// `endUnread`.
  public static func write(_ text: String) throws(OutputError) {
    let error = writeAll(text.utf8, to: STDOUT_FILENO)
    if error != 0 { throw OutputError(.standardOutput, errno: error) }
  }

  /// stdout, if it tells when its reader is gone; else -1.
  public static var reader: Int32 { cmsr_tells_of_its_reader(STDOUT_FILENO) != 0 ? STDOUT_FILENO : -1 }

  /// Ends the process quietly, because nobody reads its output any more: by SIGPIPE, as it ends other programs in a pipe.
  public static func endUnread() -> Never {
    // A status bar, for example, may have started this program with the signal ignored, so that writing only failed.
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    // It is blocked.
    exit(128 + SIGPIPE)
  }
}

/// Where a command writes its result: a standard stream, or the path of `--output`. A file always holds only the latest text;
/// anything else gets one text after the other.
public struct Output: ~Copyable {
  private let destination: OutputError.Destination
  private let place: OutputPlace?

  /// Makes sure that a path can be written to. An old file stays as it is until something is written.
  ///
  /// - Parameters:
  ///   - path: nil for a standard stream.
  ///   - stream: the standard stream.
  public init(_ path: String?, orElse stream: OutputError.Destination) throws(OutputError) {
    destination = path.map { .path($0) } ?? stream
    guard let path else {
      place = nil
      return
    }
    do {
      place = try OutputPlace(path)
    } catch {
      throw OutputError(.path(path), errno: error.errno)
    }
  }

  /// Whether each text replaces the one before.
  public var isFile: Bool {
    switch place {
    case .some(let place): place.isFile
    case nil: false
    }
  }

  /// Writes a text.
  public func write(_ text: String) throws(OutputError) {
    switch place {
    case .some(let place):
      do {
        try place.write(text)
      } catch {
        throw OutputError(destination, errno: error.errno)
      }
    case nil:
      let error = writeAll(text.utf8, to: destination == .standardError ? STDERR_FILENO : STDOUT_FILENO)
      if error != 0 { throw OutputError(destination, errno: error) }
    }
  }
}

/// Something could not be written, for example because a disk is full.
public struct OutputError: Error, Equatable {
  /// The places of output.
  public enum Destination: Sendable, Equatable {
    /// stdout.
    case standardOutput
    /// stderr.
    case standardError
    /// The file at this path.
    case path(String)
  }

  /// The place that could not be written to.
  public let destination: Destination
  /// The reason: an errno value.
  public let errno: Int32

  /// A failure to write.
  public init(_ destination: Destination, errno: Int32) {
    self.destination = destination
    self.errno = errno
  }
}

extension OutputError.Destination: CustomStringConvertible {
  /// The path, or the stream's name.
  public var description: String {
    switch self {
    case .standardOutput: "standard output"
    case .standardError: "stderr"
    case .path(let path): path
    }
  }
}

extension OutputError: CustomStringConvertible {
  /// The reason, as part of a sentence.
  public var reason: String {
    if case .path = destination { fileErrorText(errno) } else { errorText(errno) }
  }

  /// What failed, why, and what to do.
  public var description: String {
    switch destination {
    case .path(let path):
      "Cannot write to \(path): \(reason). Choose another path for --output."
    case .standardOutput, .standardError: "Cannot write to \(destination): \(reason)."
    }
  }
}
