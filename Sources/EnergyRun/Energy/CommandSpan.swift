/// When a command ran, by CLOCK_MONOTONIC, in seconds.
public struct CommandSpan: Sendable, Equatable {
  /// Right before it was started.
  public var start: Double
  /// When its end was seen.
  public var end: Double

  /// A span of time.
  public init(start: Double, end: Double) {
    self.start = start
    self.end = end
  }

  /// How long it took, in seconds.
  public var seconds: Double { end - start }
}
