internal import CMSRShim
internal import Glibc
internal import Logging
internal import Synchronization
internal import Turbostat

/// Runs turbostat until its first reading, its end, or a signal that ends this process.
final class TurbostatCheck: Sendable {
  private enum State {
    case waiting
    case good
    case failed(TurbostatEnd)
    case over
  }

  private let logger: Logger
  private let log: TurbostatLog
  private let state = Mutex(State.waiting)

  init(_ logger: Logger) {
    self.logger = logger
    log = TurbostatLog(logger)
  }

  /// Returns once there was a reading.
  ///
  /// - Throws: `TurbostatEnd` if turbostat gave none; `EndedBySignal` if a signal came first.
  func run(_ turbostat: Turbostat) throws {
    let run = TurbostatRun(turbostat) { [self] event in
      switch event.forSum {
      case .sample: decide(.good)
      case .ended(let end, _, _): decide(.failed(end))
      case .rejected(let reason) where reason.isLasting: decide(.failed(.useless(reason)))
      case .said, .rejected: log.note(event)
      }
    }
    let signal = cmsr_wait_for_ending_signal()
    let decision = state.withLock { state in
      defer { state = .over }
      return state
    }
    run.stop()
    switch decision {
    case .good: return
    case .failed(let end): throw end
    case .waiting, .over:
      logger.info("Ending on signal \(signal), before turbostat gave its first table.")
      throw EndedBySignal(signal: signal)
    }
  }

  private func decide(_ decision: State) {
    state.withLock { state in
      guard case .waiting = state else { return }
      state = decision
      // The main thread waits for this signal, or for one from outside.
      kill(getpid(), SIGTERM)
    }
  }
}

/// A signal ended this process before it was known whether it can measure, which was logged.
public struct EndedBySignal: Error {
  /// The signal's number.
  public let signal: Int32
}
