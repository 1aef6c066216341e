internal import Glibc
internal import Logging

/// Writes each message as one line to stderr: a level, a message, no time, which the journal adds itself.
struct StderrLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  static func logger(level: LogLevel) -> Logger {
    Logger(label: "pkg-watt-stat") { _ in StderrLogHandler(logLevel: level.level) }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let line = "\(event.level.rawValue.uppercased()): \(event.message)\n"
    // A log that nobody can read any more, or whose disk is full, must not stop the service.
    _ = unsafe line.utf8.withContiguousStorageIfAvailable { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
