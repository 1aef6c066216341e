internal import RAPL
internal import Synchronization
internal import Turbostat

/// What turbostat's thread hands over to the one that compares.
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

  /// More of what it says helps nobody.
  private static let mostLines = 5

  private let state = Mutex(State())

  /// Why nothing comes, as far as it is known, and what turbostat says of it.
  var trouble: String? {
    state.withLock { state in
      state.trouble.map { trouble in ([trouble] + state.said.map { "It says: \($0)" }).joined(separator: " ") }
    }
  }

  /// Takes out what has come.
  func empty() -> [Arrival] {
    state.withLock { state in
      defer { state.arrivals = [] }
      return state.arrivals
    }
  }

  /// Takes in what happened.
  func take(_ event: TurbostatEvent) {
    state.withLock { state in
      switch event {
      case .sample(let sample, let table): state.arrivals.append(Arrival(sample: sample, table: table))
      case .rejected(let reason): state.trouble = "\(reason)"
      case .said(let line): if state.said.count < Self.mostLines { state.said.append(line) }
      case .ended(let end, _, _): state.trouble = "\(end)"
      }
    }
  }
}
