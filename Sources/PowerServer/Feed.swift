/// Gives samples to clients. Lives on the event loop.
protocol Feed: AnyObject {
  /// Starts to give samples.
  func start()
  /// Stops giving samples.
  func stop()
  /// A client has connected: it gets the latest sample, now or once there is a fresh one.
  func add(_ client: ClientHandler)
  /// A client has disconnected.
  func remove(_ client: ClientHandler)
  /// Gives a client a stream of samples, instead of the one that it had.
  func subscribe(_ client: ClientHandler, to key: SampleStream.Key)
  /// Ends a client's stream, if it has one.
  func unsubscribe(_ client: ClientHandler)
  /// A client has asked for a sample, with or without domains.
  func sampleAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer
  /// A trusted client has asked for a reading of its own.
  func freshAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer
}

/// The sample that answers a client.
enum FeedAnswer {
  /// The latest, if there is one.
  case latest
  /// The next one.
  case next
  /// One of its own, which it gets once it is made.
  case fresh
}
