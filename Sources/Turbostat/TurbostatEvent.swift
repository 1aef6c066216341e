public import RAPL

/// An event of a running turbostat.
public enum TurbostatEvent: Sendable {
  /// A table: the sum of its packages, and the table itself.
  case sample(PowerSample, TurbostatTable)
  /// A table that could not be used.
  case rejected(TurbostatRejection)
  /// A line that it wrote to stderr.
  case said(String)
  /// It is no longer running; the next one is started after this many seconds.
  case ended(TurbostatEnd, TurbostatParser.Tally, restartSeconds: Double)
}

extension TurbostatEvent {
  /// The same event for a sum over the machine: a table without some dies cannot be used.
  public var forSum: Self {
    if case .sample(_, let table) = self, table.leavesDiesOut { .rejected(.oneDie) } else { self }
  }
}

/// How a run of turbostat ended.
public enum TurbostatEnd: Error, Equatable {
  /// It ended by itself with this exit code.
  case exited(Int32)
  /// A signal ended it.
  case killed(signal: Int32)
  /// No table came for this many seconds, so it was ended.
  case silent(seconds: Double)
  /// Its tables lack something, and so will the next ones.
  case useless(TurbostatRejection)
  /// It could not be started, and the system's error.
  case notStarted(String)
}

extension TurbostatEnd: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .exited(let code): "turbostat ended with exit code \(code)."
    case .killed(let signal): "turbostat was killed by signal \(signal)."
    case .silent(let seconds): "turbostat gave no reading for \(seconds) s and was stopped."
    case .useless(let rejection): "\(rejection)"
    case .notStarted(let reason): "Cannot start turbostat: \(reason)."
    }
  }
}
