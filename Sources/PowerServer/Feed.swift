/// Where the broadcaster's lines come from. Lives on the event loop.
protocol Feed: AnyObject {
  /// Begins to hand on lines.
  func start()
  /// Hands on nothing any more.
  func stop()
  /// Somebody has come who waits for a fresh line: only where the broadcaster is asleep.
  func wake()
}
