internal import Logging
internal import RAPL
internal import Synchronization
internal import Turbostat

/// Logs the state of turbostat: each change once, not each table.
final class TurbostatLog: Sendable {
  private let logger: Logger
  private let isBad = Atomic(false)
  private let hasRead = Atomic(false)

  init(_ logger: Logger) {
    self.logger = logger
  }

  func note(_ event: TurbostatEvent) {
    switch event {
    case .sample:
      hasRead.store(true, ordering: .relaxed)
      if change(to: false) { logger.info("turbostat's readings are good again.") }
    case .rejected(let reason):
      if change(to: true) { logger.warning("\(reason) Such tables are ignored.") } else { logger.debug("\(reason)") }
    case .said(let line): logger.warning("turbostat says: \(line)")
    case .ended(let end, let tally, let seconds):
      _ = change(to: true)
      let lack =
        hasRead.load(ordering: .relaxed) ? "" : " The service is not ready until turbostat has given its first table."
      logger.warning("\(end) It is started again in \(Int(clamping: seconds)) s.\(lack)\(Self.leftOut(tally))")
    }
  }

  private func change(to bad: Bool) -> Bool { isBad.exchange(bad, ordering: .relaxed) != bad }

  private static func leftOut(_ tally: TurbostatParser.Tally) -> String {
    guard tally.junkLines + tally.rejectedTables > 0 else { return "" }
    return " Of its output, \(tally.junkLines) lines and \(tally.rejectedTables) tables could not be used."
  }
}
