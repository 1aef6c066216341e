internal import CMSRShim
internal import Synchronization
internal import Turbostat

/// What turbostat's thread hands over to the one that compares.
final class TurbostatInbox: Sendable {
  /// A table and when it came.
  struct Arrival {
    let table: TurbostatTable
    let monotonicNanoseconds: Int64
    /// The time of day less the monotonic time, in nanoseconds.
    let unixOffset: Int64
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
    let now = cmsr_monotonic_nanoseconds()
    let unixOffset = cmsr_realtime_nanoseconds() - now
    state.withLock { state in
      switch event {
      case .sample(_, let table):
        state.arrivals.append(Arrival(table: table, monotonicNanoseconds: now, unixOffset: unixOffset))
      case .rejected(let reason): state.trouble = "\(reason)"
      case .said(let line): if state.said.count < Self.mostLines { state.said.append(line) }
      case .ended(let end, _, _): state.trouble = "\(end)"
      }
    }
  }
}
