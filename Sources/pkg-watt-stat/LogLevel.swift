internal import ArgumentParser
internal import Logging

/// How much to log, in the original's words.
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
