internal import PowerProtocol

/// What the live view asks on one connection. The answers come in the order of the requests, between the readings.
struct WatchRequests {
  private static let daySeconds = 86_400
  private static let fineSeconds = 900
  /// The shortest time between requests for limits: each may cost the service a dozen registers.
  private static let limitsSeconds = 0.95

  /// The requests without an answer yet.
  private var asked: [Request]
  /// The requests that were refused because the service was busy.
  private var again: [Request] = []
  /// Whether the service can tell limits.
  private var tellsLimits = false
  /// When limits were last asked for: the end of the sample before, by CLOCK_MONOTONIC in seconds.
  private var limitsAsked = -Double.infinity

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
    switch answer {
    case .info(let info): tellsLimits = info.requests["limits"] != nil
    case .sample(let sample):
      var requests = again
      again = []
      if tellsLimits, sample.monotonicSeconds - limitsAsked >= Self.limitsSeconds, !asked.contains(.limits),
        !requests.contains(.limits)
      {
        limitsAsked = sample.monotonicSeconds
        requests.append(.limits)
      }
      asked += requests
      return requests
    // It will not tell them later either.
    case .limits(let limits): tellsLimits = limits.source != nil
    case .line, .history, .subscribed, .refused: break
    }
    return []
  }

  private static func isAnswer(_ answer: Answer, to request: Request) -> Bool {
    switch (answer, request) {
    case (.info, .info), (.history, .history), (.limits, .limits), (.sample, .sample), (.subscribed, .subscribe): true
    default: false
    }
  }
}
