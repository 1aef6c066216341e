/// Where the broadcaster's samples come from. Lives on the event loop.
protocol Feed: AnyObject {
  /// Begins to hand on samples.
  func start()
  /// Hands on nothing any more.
  func stop()
  /// Somebody has come who waits for a fresh sample: only where the broadcaster is asleep.
  func wake()
  /// The last client has left.
  func rest()
  /// Gives a client a stream of samples.
  func subscribe(_ client: ClientHandler, to key: SampleStream.Key)
  /// Somebody has asked for a sample, and so for domains too: those that cost a reading of every core are read for a while.
  func wantDomains()
  /// Takes a reading as soon as the trusted may have one, for a client that `answerFresh` of the broadcaster tells it.
  ///
  /// - Returns: whether there will be one; otherwise the latest sample is all there is.
  func refresh(for client: ClientHandler) -> Bool
}
