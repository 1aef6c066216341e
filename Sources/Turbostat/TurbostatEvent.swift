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
