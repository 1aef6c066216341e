internal import CMSRShim
internal import RAPL
internal import Synchronization

/// Turns what one run of turbostat writes into events.
final class TurbostatReader: Sendable {
  /// How many lines of stderr one run may have shown; a broken one writes without end.
  private static let mostErrorLines = 20
  private static let mostErrorBytes = 500

  private struct State {
    var parser = TurbostatParser()
    var errorLine: [UInt8] = []
    var errorLines = 0
    var lastReading: Int64
    var hasRead = false
  }

  private let intervalNanoseconds: Int64
  private let state: Mutex<State>
  private let handle: @Sendable (TurbostatEvent) -> Void

  /// A reader of a run that begins now.
  init(intervalSeconds: Double, _ handle: @escaping @Sendable (TurbostatEvent) -> Void) {
    intervalNanoseconds = Int64(nanosecondsIn: intervalSeconds)
    state = Mutex(State(lastReading: cmsr_monotonic_nanoseconds()))
    self.handle = handle
  }

  /// Whether there was a table.
  var hasRead: Bool { state.withLock { $0.hasRead } }

  /// Seconds since the last table, or since the start.
  var secondsSinceReading: Double {
    Double(cmsr_monotonic_nanoseconds() - state.withLock { $0.lastReading }) / 1e9
  }

  /// Takes a chunk of stdout.
  func take(output bytes: [UInt8]) {
    state.withLock { state in
      for event in state.parser.take(bytes) {
        switch event {
        case .rejected(let reason): handle(.rejected(reason))
        case .table(let table):
          let sample = sample(of: table, since: state.hasRead ? state.lastReading : nil)
          state.hasRead = true
          state.lastReading = sample.endMonotonicNanoseconds
          handle(.sample(sample, table))
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
    state.errorLines += 1
    guard state.errorLines <= Self.mostErrorLines, line.contains(where: { !$0.isWhitespace }) else { return }
    handle(.said(line))
    if state.errorLines == Self.mostErrorLines { handle(.said("(and more, which is left out)")) }
  }

  /// The table's watts, with the end of the interval that they describe: what turbostat says it was, or now where it does
  /// not say or the time of day was set meanwhile.
  private func sample(of table: TurbostatTable, since last: Int64?) -> PowerSample {
    let monotonic = cmsr_monotonic_nanoseconds()
    let unix = cmsr_realtime_nanoseconds()
    let end = table.packages.compactMap(\.endUnixNanoseconds).max() ?? unix
    let age = (0...2 * intervalNanoseconds).contains(unix - end) ? unix - end : 0
    let endMonotonic = monotonic - age
    return PowerSample(
      watts: table.watts, packageWatts: table.packages.map { $0.watts[.package] ?? 0 },
      windowNanoseconds: last.map { endMonotonic - $0 } ?? intervalNanoseconds,
      endMonotonicNanoseconds: endMonotonic, endUnixNanoseconds: unix - age)
  }
}
