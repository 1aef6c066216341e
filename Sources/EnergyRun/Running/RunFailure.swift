public import PowerClient
internal import RAPL
public import SystemCalls

/// Why a command was not started, could not be followed to its end, or was not measured.
public enum RunFailure: Error, Sendable, Equatable {
  /// The service did not answer, refused, or went away.
  case service(ClientError)
  /// The service gave no fresh reading to begin or to end with in this time, and its reason if it gave one.
  case noReading(seconds: Double, reason: String?)
  /// The service's monotonic clock is not this process's.
  case otherClock
  /// Idle power could not be measured.
  case noIdlePower
  /// A signal arrived before the command was started, or after its end before the last reading.
  case interrupted(signal: Int32)
  /// The command was not found, or cannot be executed.
  case cannotRun(CommandError)
  /// The report could not be written, found before the command was started.
  case noReport(OutputError)
  /// The system cannot create a process.
  case noProcess(errno: Int32)
  /// Signals cannot be handled.
  case noSignals(errno: Int32)
  /// The command cannot be waited for.
  case lost(errno: Int32)

  /// The exit code for it, as in env(1) and timeout(1).
  public var exitCode: Int32 {
    switch self {
    case .interrupted(let signal): 128 + signal
    case .cannotRun(let error): error.exitCode
    case .service, .noReading, .otherClock, .noIdlePower, .noReport, .noProcess, .noSignals, .lost: 125
    }
  }
}

extension RunFailure {
  /// Makes a failure of an error of the service: a signal, if one has arrived.
  public init(_ error: ClientError, _ signals: borrowing CommandSignals) {
    if error == .interrupted, let signal = signals.ending() {
      self = .interrupted(signal: signal)
    } else {
      self = .service(error)
    }
  }
}

extension RunFailure: CustomStringConvertible {
  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .service(let error): Self.notStarted + "\(error)"
    case .noReading(let seconds, let reason):
      Self.notStarted + "The service gave no fresh reading within \(Int(clamping: seconds.rounded())) s"
        + (reason.map { ": \($0)" } ?? "; see its log.")
    case .otherClock:
      Self.notStarted
        + "The service and this command have different monotonic clocks, as in a container with a time namespace of its own; "
        + "run both in the same container."
    case .noIdlePower:
      Self.notStarted + "Cannot measure idle power, because some energy could not be counted. Try again."
    case .interrupted(let signal): Self.notStarted + "Signal \(signal) arrived."
    case .cannotRun(let error): "\(error)"
    case .noReport(let error): Self.notStarted + "\(error.ofReport) Choose another path for --output."
    case .noProcess(let errno): Self.notStarted + "Cannot create a process: \(errorText(errno))."
    case .noSignals(let errno): "Cannot set up signal handling: \(errorText(errno))."
    case .lost(let errno): "Cannot wait for the command: \(errorText(errno))."
    }
  }

  private static let notStarted = "The command was not started. "

  /// What failed, and why, if the command has run: why it was not measured.
  var afterStart: String {
    switch self {
    case .service(.closed(let path)): "The service at \(path) ended or was restarted while the command ran."
    case .service(let error): "\(error)"
    case .interrupted(let signal): "Signal \(signal) arrived before the last reading."
    case .noReading(let seconds, let reason):
      "The service gave no fresh reading within \(Int(clamping: seconds.rounded())) s of the command's end"
        + (reason.map { ": \($0)" } ?? "; see its log.")
    case .otherClock, .noIdlePower, .cannotRun, .noReport, .noProcess, .noSignals, .lost: description
    }
  }
}
