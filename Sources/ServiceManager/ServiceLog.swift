internal import CMSRShim
internal import Formatting
internal import Glibc
public import Logging

/// Writes each message as one line to stderr, without waiting for its reader: a level and the message, but no time, which the
/// journal adds itself. To the journal the level is a priority.
public struct ServiceLog: LogHandler {
  /// The least important level that is written.
  public var logLevel: Logger.Level
  /// Not written.
  public var metadata: Logger.Metadata = [:]
  private let output: LogOutput
  private let isJournal: Bool

  init(_ output: LogOutput, level: Logger.Level, isJournal: Bool) {
    self.output = output
    logLevel = level
    self.isJournal = isJournal
  }

  /// A logger that writes to stderr, which is opened now, while this process may.
  public static func logger(level: LogLevel) -> Logger {
    let handler = ServiceLog(.stderr, level: level.level, isJournal: Journal.readsStderr)
    return Logger(label: "pkg-watt-stat") { _ in handler }
  }

  /// A value of the metadata.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a message.
  public func log(event: LogEvent) {
    // On one line and without control characters: a message may name a path that contains any bytes.
    write(line(event.level, "\(event.message)".harmless))
  }

  /// Writes the last words of a service to stderr as they are: they must not wait for a reader either. To the journal each line
  /// is an entry of its own.
  public static func complain(_ text: String) {
    ServiceLog(.stderr, level: .error, isJournal: Journal.readsStderr).complain(text)
  }

  func complain(_ text: String) {
    let prefix = isJournal ? "<\(Journal.priority(.error))>" : ""
    write(text.harmlessLines.split(separator: "\n").map { "\(prefix)\($0)\n" }.joined())
  }

  private func write(_ text: String) {
    output.write(text) { line(.warning, "\($0) log lines were dropped here, because the log was not read.") }
  }

  private func line(_ level: Logger.Level, _ message: String) -> String {
    (isJournal ? "<\(Journal.priority(level))>" : "\(level.rawValue.uppercased()): ") + "\(message)\n"
  }
}

/// The log level, in the words of the original service.
public enum LogLevel: String, Sendable, CaseIterable {
  case debug = "DEBUG"
  case info = "INFO"
  case warning = "WARNING"
  case error = "ERROR"

  var level: Logger.Level { Logger.Level(rawValue: rawValue.lowercased()) ?? .info }
}

/// The journal, if the service manager reads stderr.
enum Journal {
  /// Whether stderr goes to the journal: then each line may begin with its priority; see sd-daemon(3).
  static let readsStderr: Bool = {
    let numbers = (variable("JOURNAL_STREAM") ?? "").split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    let file = cmsr_file_behind(STDERR_FILENO)
    return file.error == 0 && file.device == device && file.inode == inode
  }()

  /// A level as the journal and syslog number it.
  static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .critical: 2
    case .error: 3
    case .warning: 4
    case .notice: 5
    case .info: 6
    case .debug, .trace: 7
    }
  }
}
