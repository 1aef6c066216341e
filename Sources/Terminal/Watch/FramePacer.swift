/// Decides when the screen is drawn: soon after a change, but no more often than an eye can tell apart. Times are in
/// milliseconds of one clock.
struct FramePacer {
  /// The least time between frames.
  static let frameMilliseconds: Int64 = 40
  /// How often ages are updated, and a connection to a service that is gone is tried.
  static let tickMilliseconds: Int32 = 1000

  private var drawn = Int64.min / 2
  private var isChanged = true

  /// Something new is to be drawn.
  mutating func change() { isChanged = true }

  /// The person at the terminal has done something, and sees its effect at once.
  mutating func hurry() {
    isChanged = true
    drawn = .min / 2
  }

  /// A frame was drawn.
  mutating func draw(at now: Int64) {
    isChanged = false
    drawn = now
  }

  /// Whether to draw now.
  func isDue(at now: Int64) -> Bool { isChanged && untilFrame(now) == 0 }

  /// How long to wait for something new.
  func patience(at now: Int64) -> Int32 { isChanged ? max(untilFrame(now), 1) : Self.tickMilliseconds }

  private func untilFrame(_ now: Int64) -> Int32 {
    Int32(clamping: max(drawn + Self.frameMilliseconds - now, 0))
  }
}
