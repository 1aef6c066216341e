internal import Dispatch
internal import Logging
internal import Synchronization
internal import Turbostat

/// Runs turbostat until its first reading, or its end.
final class TurbostatCheck: Sendable {
  private let log: TurbostatLog
  private let end = Mutex<TurbostatEnd?>(nil)
  private let decided = DispatchSemaphore(value: 0)

  init(_ logger: Logger) {
    log = TurbostatLog(logger)
  }

  /// Why it gave no reading; nil where it gave one.
  func failure(of turbostat: Turbostat) -> TurbostatEnd? {
    let run = TurbostatRun(turbostat) { [self] event in
      switch event {
      case .sample: break
      case .ended(let end, _, _): self.end.withLock { $0 = end }
      case .rejected(.noPackagePower): self.end.withLock { $0 = .useless(.noPackagePower) }
      case .said, .rejected: return log.note(event)
      }
      decided.signal()
    }
    decided.wait()
    run.stop()
    return end.withLock { $0 }
  }
}
