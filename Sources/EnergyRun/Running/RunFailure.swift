internal import Glibc
public import PowerClient
internal import RAPL
internal import SystemCalls

/// Why a command was not started, or not seen through to its end.
public enum RunFailure: Error, Equatable {
  /// The service cannot be asked.
  case service(ClientError)
  /// The service has no fresh reading to begin with, for so many seconds: its own reason, if it gives one.
  case noReading(seconds: Double, reason: String?)
  /// The service's monotonic clock is not this process's.
  case otherClock
  /// Idle power could not be measured.
  case noIdlePower
  /// A signal arrived before the command was started.
  case interrupted(signal: Int32)
  /// There is no such command, or it cannot be executed.
  case cannotRun(String, errno: Int32)
  /// The system starts no process.
  case noProcess(errno: Int32)
  /// Signals cannot be taken.
  case noSignals(errno: Int32)
  /// The command cannot be waited for.
  case lost(errno: Int32)

  /// The exit code that says it, as env(1) and timeout(1) have them.
  public var exitCode: Int32 {
    switch self {
    case .interrupted(let signal): 128 + signal
    case .cannotRun(_, ENOENT), .cannotRun(_, ENOTDIR): 127
    case .cannotRun: 126
    case .service, .noReading, .otherClock, .noIdlePower, .noProcess, .noSignals, .lost: 125
    }
  }
}

extension RunFailure {
  /// Why the service could not be asked: because a signal arrived, if that is so.
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
      Self.notStarted + "The service had no fresh reading for \(Int(clamping: seconds.rounded())) s"
        + (reason.map { ": \($0)" } ?? "; its log says why.")
    case .otherClock:
      Self.notStarted
        + "The service's monotonic clock is not this process's, as in a container with its own time; run both in the same."
    case .noIdlePower:
      Self.notStarted + "Idle power could not be measured: energy went by uncounted meanwhile. Try again."
    case .interrupted(let signal): Self.notStarted + "Signal \(signal) arrived."
    case .cannotRun(let command, ENOENT): "Cannot run \(command): \(errorText(ENOENT)). Is it installed, and in PATH?"
    case .cannotRun(let command, EISDIR): "Cannot run \(command): it is a folder."
    case .cannotRun(let command, let errno): "Cannot run \(command): \(errorText(errno))."
    case .noProcess(let errno): Self.notStarted + "No process could be made: \(errorText(errno))."
    case .noSignals(let errno): "Signals cannot be waited for: \(errorText(errno))."
    case .lost(let errno): "The command cannot be waited for: \(errorText(errno))."
    }
  }

  private static let notStarted = "The command was not started. "
}

/// Why a command that has run was not measured.
public enum RunProblem: Error, Sendable, Equatable {
  /// The service went away, or said something else than samples.
  case service(ClientError)
  /// No fresh reading came after its end, for so many seconds: the service's own reason, if it gives one.
  case noReading(seconds: Double, reason: String?)
  /// A signal arrived after its end, while the last reading was waited for.
  case interrupted(signal: Int32)
}

extension RunProblem: CustomStringConvertible {
  /// What failed, and why.
  public var description: String {
    switch self {
    case .service(.closed(let path)): "The service at \(path) ended while the command ran, or was restarted."
    case .service(let error): "\(error)"
    case .interrupted(let signal): "Signal \(signal) arrived while the last reading was waited for."
    case .noReading(let seconds, let reason):
      "No fresh reading came in the \(Int(clamping: seconds.rounded())) s after the command's end"
        + (reason.map { ": \($0)" } ?? "; the service's log says why.")
    }
  }
}
