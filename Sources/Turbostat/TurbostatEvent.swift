public import RAPL

/// What comes of a running turbostat.
public enum TurbostatEvent: Sendable {
  /// A table: what its packages drew, and the table itself.
  case sample(PowerSample, TurbostatTable)
  /// A table that could not be used.
  case rejected(TurbostatRejection)
  /// A line that it wrote to stderr.
  case said(String)
  /// It is no longer running; the next one is started after so many seconds.
  case ended(TurbostatEnd, TurbostatParser.Tally, restartSeconds: Double)
}

extension TurbostatEvent {
  /// The same, for a sum over the machine: a table that leaves dies out is none.
  public var forSum: Self {
    if case .sample(_, let table) = self, table.leavesDiesOut { .rejected(.oneDie) } else { self }
  }
}
