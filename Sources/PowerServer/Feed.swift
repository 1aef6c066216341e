/// Where samples come from, and whom they reach. Lives on the event loop.
protocol Feed: AnyObject {
  /// Begins to hand on samples.
  func start()
  /// Hands on nothing any more.
  func stop()
  /// A client has come: it is told the latest sample, now or once there is a fresh one.
  func add(_ client: ClientHandler)
  /// A client has gone.
  func remove(_ client: ClientHandler)
  /// Gives a client a stream of samples, in place of the one that it had.
  func subscribe(_ client: ClientHandler, to key: SampleStream.Key)
  /// Ends a client's stream, if it has one.
  func unsubscribe(_ client: ClientHandler)
  /// Somebody has asked for a sample, with domains or without.
  func sampleAsked(domains: Bool) -> FeedAnswer
  /// A trusted client has asked for a reading of its own.
  func freshAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer
}

/// Which sample answers a client.
enum FeedAnswer {
  /// The latest, if there is one.
  case latest
  /// The next one.
  case next
  /// A reading of its own, which it is told once it is made.
  case fresh
}
