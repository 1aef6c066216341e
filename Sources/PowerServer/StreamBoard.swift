internal import NIOCore
internal import RAPL

/// The subscriptions of all clients. Lives on the event loop.
final class StreamBoard {
  private let settings: ServerSettings
  private let trustedStep: Int64
  private var streams: [SampleStream] = []

  /// - Parameter trustedStep: the shortest window of the trusted, in nanoseconds.
  init(_ settings: ServerSettings, trustedStep: Int64) {
    self.settings = settings
    self.trustedStep = trustedStep
  }

  /// Whether anybody has subscribed to domains.
  var haveDomains: Bool { streams.contains { $0.key.hasDomains } }

  /// Whether nobody has subscribed to anything.
  var isEmpty: Bool { streams.isEmpty }

  /// Gives a client the stream of that kind, a new one where there is none.
  ///
  /// - Parameters:
  ///   - phase: a point of the grid that all streams share.
  ///   - start: what a new stream's first window begins with.
  func subscribe(
    _ client: ClientHandler, to key: SampleStream.Key, phase: Int64, start: EnergySnapshot?, now: Int64
  ) {
    unsubscribe(client)
    let stream: SampleStream
    if let found = streams.first(where: { $0.key == key }) {
      stream = found
    } else {
      // A tenth of the trusted's step: without a tolerance a reading that is a little late would cost the next point its own.
      let trustedGap = min(trustedStep - trustedStep / 10, settings.shortestPublicGap)
      stream = SampleStream(
        key, phase: phase, shortestGap: key.isTrusted ? trustedGap : settings.shortestPublicGap, start: start, now: now)
      streams.append(stream)
    }
    stream.add(client)
    client.stream = stream
  }

  func unsubscribe(_ client: ClientHandler) {
    guard let stream = client.stream else { return }
    client.stream = nil
    stream.remove(client)
    if stream.clients.isEmpty { streams.removeAll { $0 === stream } }
  }

  /// When the next of them wants a reading.
  ///
  /// - Parameter earliestPublic: before when none is made for everybody.
  func due(earliestPublic: Int64) -> Int64? {
    streams.map { $0.key.isTrusted ? $0.next : max($0.next, earliestPublic) }.min()
  }

  /// Whether a reading at `now` is one for everybody.
  func isPublicDue(at now: Int64, earliestPublic: Int64) -> Bool {
    now >= earliestPublic && streams.contains { !$0.key.isTrusted && $0.next <= now }
  }

  /// Whether a stream with domains takes a reading that is made at `now` or a little later.
  ///
  /// - Parameter isPublic: whether everybody's may have it.
  func takeDomains(at now: Int64, isPublic: Bool) -> Bool {
    streams.contains { $0.key.hasDomains && $0.next <= now + trustedStep / 10 && (isPublic || $0.key.isTrusted) }
  }

  /// Hands a reading to those whose point has come.
  ///
  /// - Parameters:
  ///   - isPublic: whether everybody's may have it.
  ///   - deliver: told of each stream what came of it; nil where no window ended.
  func take(
    _ snapshot: EnergySnapshot?, now: Int64, isPublic: Bool,
    deliver: (SampleStream, (window: MeasuredWindow, sequence: Int)?) -> Void
  ) {
    for stream in streams where stream.next <= now && (isPublic || stream.key.isTrusted) {
      deliver(stream, stream.take(snapshot, now: now))
    }
  }
}
