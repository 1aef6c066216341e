internal import PowerProtocol

/// What the live view asks on one connection. The answers come in the order of the requests, between the readings.
struct WatchRequests {
  private static let daySeconds = 86_400
  private static let fineSeconds = 900

  /// The requests without an answer yet.
  private var asked: [Request]
  /// The requests that were refused because the service was busy.
  private var again: [Request] = []

  /// The requests of a view.
  ///
  /// - Parameter intervalSeconds: the time between readings; nil for the service's own interval.
  init(intervalSeconds: Double?) {
    // A service that slept has a sample only once it is awake, and its history then tells of the time asleep too.
    asked = [
      .info, .sample(), .history(seconds: Self.daySeconds), .history(seconds: Self.fineSeconds),
      .subscribe(intervalSeconds: intervalSeconds),
    ]
  }

  /// The requests to begin with.
  var first: [Request] { asked }

  /// Takes an answer.
  ///
  /// - Returns: the requests to send now: those that were refused by a busy service, after the next sample.
  /// - Throws: a refusal with which there is nothing to watch. A service of version 1, or without a reading, can be watched.
  mutating func take(_ answer: Answer) throws(Refusal) -> [Request] {
    if case .refused(let refusal) = answer, !asked.isEmpty {
      let request = asked.removeFirst()
      switch refusal.code {
      case "busy": again.append(request)
      case "unknown_request", "no_reading": break
      default: throw refusal
      }
    } else if let request = asked.first, Self.isAnswer(answer, to: request) {
      asked.removeFirst()
    }
    guard case .sample = answer else { return [] }
    defer { again = [] }
    asked += again
    return again
  }

  private static func isAnswer(_ answer: Answer, to request: Request) -> Bool {
    switch (answer, request) {
    case (.info, .info), (.history, .history), (.sample, .sample), (.subscribed, .subscribe): true
    default: false
    }
  }
}
