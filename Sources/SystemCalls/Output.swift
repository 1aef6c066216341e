internal import Glibc

/// Standard error.
public enum StandardError {
  /// Writes a line. If nobody can be told there is nobody to tell that.
  public static func say(_ line: String) { _ = writeAll((line + "\n").utf8, to: STDERR_FILENO) }
}

/// Standard output, unbuffered: what was written has arrived, or is known not to have.
public enum StandardOutput {
  /// Writes a text. A reader that has gone ends the process by SIGPIPE, unless that is ignored.
  public static func write(_ text: String) throws(OutputError) {
    let error = writeAll(text.utf8, to: STDOUT_FILENO)
    if error != 0 { throw OutputError(.standardOutput, errno: error) }
  }
}

/// Where a command writes what it has to say: a standard stream, or what `--output` names. A file holds the latest text alone;
/// anything else gets one text behind the other.
public struct Output: ~Copyable {
  private let destination: OutputError.Destination
  private let place: OutputPlace?

  /// Makes sure that a path can be written to. What is there stays as it is until something is written.
  ///
  /// - Parameters:
  ///   - path: nil for a standard stream.
  ///   - stream: which one.
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

  /// Whether each text stands alone.
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
  /// Where output goes.
  public enum Destination: Sendable, Equatable {
    /// stdout.
    case standardOutput
    /// stderr.
    case standardError
    /// What has this path.
    case path(String)
  }

  /// Where it should have gone.
  public let destination: Destination
  /// Why it has not: an errno value.
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
  /// Why, to stand within a sentence.
  public var reason: String {
    if case .path = destination { fileErrorText(errno) } else { errorText(errno) }
  }

  /// What failed, why, and what to do.
  public var description: String {
    switch destination {
    case .path(let path):
      "Cannot write \(path): \(reason). Choose a path that this user may write to, with --output."
    case .standardOutput, .standardError: "Cannot write to \(destination): \(reason)."
    }
  }
}
