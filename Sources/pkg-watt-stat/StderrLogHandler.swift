internal import Glibc
internal import Logging
internal import ServiceManager

/// Writes each message as one line to stderr: a level, a message, no time, which the journal adds itself. To the journal the
/// level is a priority.
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

  /// A level as the journal and syslog number it.
  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .critical: 2
    case .error: 3
    case .warning: 4
    case .notice: 5
    case .info: 6
    case .debug, .trace: 7
    }
  }

  func log(event: LogEvent) {
    let head = Journal.readsStderr ? "<\(Self.priority(event.level))>" : "\(event.level.rawValue.uppercased()): "
    let line = "\(head)\(event.message)\n"
    // A log that nobody can read any more, or whose disk is full, must not stop the service.
    _ = unsafe line.utf8.withContiguousStorageIfAvailable { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
