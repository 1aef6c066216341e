/// A counter that follows another one, moved by an offset, or stands still. Arithmetic is modulo 2^32, as a counter's is.
struct ShiftedCounter: Equatable {
  private enum State: Equatable {
    case running(offset: UInt32)
    case standing(at: UInt32)
  }

  private var state = State.running(offset: 0)

  /// What it shows while the counter that it follows shows `truth`.
  func value(_ truth: UInt32) -> UInt32 {
    switch state {
    case .running(let offset): truth &+ offset
    case .standing(let value): value
    }
  }

  /// Jumps to a value, and goes on from there, or stands there.
  mutating func set(_ value: UInt32, truth: UInt32) {
    state =
      switch state {
      case .running: .running(offset: value &- truth)
      case .standing: .standing(at: value)
      }
  }

  /// Stands still.
  mutating func freeze(truth: UInt32) {
    state = .standing(at: value(truth))
  }

  /// Goes on from where it stands.
  mutating func thaw(truth: UInt32) {
    state = .running(offset: value(truth) &- truth)
  }
}
