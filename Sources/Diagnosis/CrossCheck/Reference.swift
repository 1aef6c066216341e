internal import RAPL

/// A reference's measurement of one channel over one window.
struct ReferenceWindow: Equatable {
  let channel: CrossCheckChannel
  /// The window's start and end, in nanoseconds of the monotonic clock.
  let start: Int64
  let end: Int64
  let watts: Double
}

/// Another measurement of the same machine.
protocol Reference {
  /// Its name.
  var name: String { get }
  /// Whether its windows are of what the counters show at their ends, also of one that moves in steps and shows what was drawn up to
  /// its latest step.
  var readsAsShown: Bool { get }
  /// Begins to measure.
  mutating func begin()
  /// The windows that have ended since the last call.
  mutating func windows() -> [ReferenceWindow]
  /// The failure that ended it, if there is one; asked if no windows come.
  var trouble: String? { get }
  /// Ends it, and waits for that.
  func end()
}

extension Reference {
  /// Its windows last from step to step.
  var readsAsShown: Bool { false }
}
