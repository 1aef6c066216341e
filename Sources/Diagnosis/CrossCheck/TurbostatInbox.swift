internal import RAPL
internal import Synchronization
internal import Turbostat

/// Passes turbostat's tables from its thread to the one that compares.
final class TurbostatInbox: Sendable {
  /// A table, and the window that it is the mean of.
  struct Arrival {
    let sample: PowerSample
    let table: TurbostatTable
  }

  private struct State {
    var arrivals: [Arrival] = []
    var trouble: String?
    var said: [String] = []
  }

  /// The most lines of turbostat's messages that are kept.
  private static let mostLines = 5

  private let state = Mutex(State())

  /// Why nothing comes, if that is known, and turbostat's own messages.
  var trouble: String? {
    state.withLock { state in
      state.trouble.map { $0 + (state.said.isEmpty ? "" : " turbostat says: \(state.said.joined(separator: " "))") }
    }
  }

  /// Takes out what has arrived.
  func empty() -> [Arrival] {
    state.withLock { state in
      defer { state.arrivals = [] }
      return state.arrivals
    }
  }

  /// Takes an event.
  func take(_ event: TurbostatEvent) {
    state.withLock { state in
      switch event {
      case .sample(let sample, let table): state.arrivals.append(Arrival(sample: sample, table: table))
      case .rejected(let reason): state.trouble = "\(reason)"
      // Each time it is started again it says the same.
      case .said(let line): if state.said.count < Self.mostLines, !state.said.contains(line) { state.said.append(line) }
      case .ended(let end, _, _): state.trouble = "\(end)"
      }
    }
  }
}
