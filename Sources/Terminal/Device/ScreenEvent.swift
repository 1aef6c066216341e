/// What happens at a terminal.
public enum ScreenEvent: Sendable, Equatable {
  /// A key.
  case key(Key)
  /// The size has changed, or the screen was taken back after a stop.
  case redraw
  /// The program is to end.
  case end
}
