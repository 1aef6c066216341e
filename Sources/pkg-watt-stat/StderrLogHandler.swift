internal import ArgumentParser
internal import Formatting
internal import Logging
internal import PowerProtocol
internal import ServiceManager

/// Writes each message as one line to stderr: a level, a message, no time, which the journal adds itself. To the journal the
/// level is a priority.
struct StderrLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  static func logger(level: LogLevel) -> Logger {
    // Opened now, while this process may.
    _ = LogOutput.stderr
    return Logger(label: "pkg-watt-stat") { _ in StderrLogHandler(logLevel: level.level) }
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
    // On one line and without control characters: a message may name a path that contains any bytes.
    Self.write(Self.line(event.level, "\(event.message)".harmless))
  }

  /// Writes a line to the log, without waiting for its reader.
  static func write(_ line: String) {
    LogOutput.stderr.write(line) { leftOut in
      Self.line(.warning, "\(leftOut) log lines were dropped here, because the log was not read.")
    }
  }

  private static func line(_ level: Logger.Level, _ message: String) -> String {
    (Journal.readsStderr ? "<\(priority(level))>" : "\(level.rawValue.uppercased()): ") + "\(message)\n"
  }
}

/// The log level, in the words of the original service.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case debug = "DEBUG"
  case info = "INFO"
  case warning = "WARNING"
  case error = "ERROR"

  init?(argument: String) {
    self.init(rawValue: argument.uppercased())
  }

  var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}
