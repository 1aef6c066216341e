internal import CMSRShim
internal import Synchronization

/// Turns the output of one run of turbostat into events.
final class TurbostatReader: Sendable {
  /// How many lines of stderr are shown for one run; a broken one writes without end.
  private static let mostErrorLines = 20
  private static let mostErrorBytes = 500
  /// turbostat's message when CPUs come or go, and it begins its interval again. Source: re_initialize in turbostat.c.
  private static let newBeginning = "re-initialized"

  private struct State {
    var parser = TurbostatParser()
    var errorLine: [UInt8] = []
    var errorLines = 0
    var dating: TurbostatDating
    /// The time of the latest table, on the monotonic clock; that of the start if there was none.
    var lastArrival: Int64
    var hasRead = false
  }

  private let state: Mutex<State>
  private let handle: @Sendable (TurbostatEvent) -> Void

  /// A reader of a run that begins now.
  init(intervalSeconds: Double, _ handle: @escaping @Sendable (TurbostatEvent) -> Void) {
    let begun = TurbostatDating.Moment.now
    state = Mutex(
      State(
        dating: TurbostatDating(intervalSeconds: intervalSeconds, begun: begun),
        lastArrival: begun.monotonicNanoseconds))
    self.handle = handle
  }

  /// Whether there was a table.
  var hasRead: Bool { state.withLock { $0.hasRead } }

  /// Seconds since the last table came, or since the start.
  var secondsSinceReading: Double {
    Double(cmsr_monotonic_nanoseconds() - state.withLock { $0.lastArrival }) / 1e9
  }

  /// Takes a chunk of stdout.
  func take(output bytes: [UInt8]) {
    state.withLock { state in
      for event in state.parser.take(bytes) {
        switch event {
        case .rejected(let reason, let end):
          state.dating.leaveOut(endUnixNanoseconds: end, readAt: .now)
          handle(.rejected(reason))
        case .table(let table):
          let now = TurbostatDating.Moment.now
          state.lastArrival = now.monotonicNanoseconds
          state.hasRead = true
          if let sample = state.dating.sample(of: table, readAt: now) {
            handle(.sample(sample, table))
          } else {
            handle(.rejected(.noWindow))
          }
        }
      }
    }
  }

  /// Takes a chunk of stderr.
  func take(errors bytes: [UInt8]) {
    state.withLock { state in
      for byte in bytes {
        if byte == UInt8(ascii: "\n") {
          say(&state)
        } else if state.errorLine.count < Self.mostErrorBytes {
          state.errorLine.append(byte)
        }
      }
    }
  }

  /// The run is over.
  func ended(_ end: TurbostatEnd, restartSeconds: Double) {
    state.withLock { state in
      if !state.errorLine.isEmpty { say(&state) }
      handle(.ended(end, state.parser.tally, restartSeconds: restartSeconds))
    }
  }

  private func say(_ state: inout State) {
    let line = String(decoding: state.errorLine, as: UTF8.self)
    state.errorLine.removeAll(keepingCapacity: true)
    if line.contains(Self.newBeginning) { state.dating.leaveOut(endUnixNanoseconds: nil, readAt: .now) }
    state.errorLines += 1
    guard state.errorLines <= Self.mostErrorLines, line.contains(where: { !$0.isWhitespace }) else { return }
    handle(.said(line))
    if state.errorLines == Self.mostErrorLines { handle(.said("(further lines are not shown)")) }
  }
}
