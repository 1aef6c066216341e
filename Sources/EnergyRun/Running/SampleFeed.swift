internal import CMSRShim
internal import PowerClient
internal import PowerProtocol
internal import RAPL

/// Samples of a service, as fine as this client may have them: by request if it may ask for any moment, else by subscription.
struct SampleFeed: ~Copyable {
  /// The time between readings that serve only to find the peak: fine enough, and hardly any work for the measured machine.
  private static let pollSeconds = 0.1
  /// The service gives nobody two readings within 10 ms.
  private static let shortestPauseSeconds = 0.01

  let info: ServiceInfo
  /// How long a window is, in seconds.
  let windowSeconds: Double
  private var connection: PowerConnection
  private var isAsked = false
  private var askedNanoseconds: Int64 = 0
  private var dueNanoseconds: Int64 = 0

  init(_ connection: consuming PowerConnection) throws(ClientError) {
    let info = try connection.info()
    let shortest = info.policy.shortestIntervalSeconds
    let window: Double
    if info.policy.isTrusted {
      window = max(Self.pollSeconds, shortest)
      try connection.send(.unsubscribe)
    } else {
      window = try connection.subscribe(intervalSeconds: shortest).intervalSeconds ?? shortest
    }
    self.info = info
    windowSeconds = window
    self.connection = connection
  }

  /// Asks for the next reading as soon as possible, if this client may ask.
  mutating func hurry() {
    // If readings are rare, as with turbostat, constant requests without an answer would be a load of their own.
    dueNanoseconds = askedNanoseconds + Int64(nanosecondsIn: max(Self.shortestPauseSeconds, windowSeconds / 10))
  }

  /// The next sample of any content.
  ///
  /// - Parameters:
  ///   - other: a descriptor that ends the wait too, or -1.
  ///   - deadline: by CLOCK_MONOTONIC, in nanoseconds.
  mutating func next(or other: Int32, until deadline: Int64) throws(ClientError) -> WaitEvent<SampleReport> {
    while true {
      let now = cmsr_monotonic_nanoseconds()
      guard now < deadline else { return .timeout }
      let asks = info.policy.isTrusted && !isAsked
      if asks && now >= dueNanoseconds {
        // An older service has no request for fresh samples: every sample for a trusted client is fresh.
        try connection.send(info.serves("sample", member: "fresh") ? .freshSample() : .sample())
        isAsked = true
        askedNanoseconds = now
        continue
      }
      let wake = asks ? min(dueNanoseconds, deadline) : deadline
      switch try connection.next(or: other, until: wake) {
      case .arrived(.sample(let sample)):
        isAsked = false
        dueNanoseconds = askedNanoseconds + Int64(nanosecondsIn: windowSeconds)
        return .arrived(sample)
      case .arrived(.refused(let refusal)): throw .refused(path: connection.path, refusal)
      case .arrived, .timeout: continue
      case .other: return .other
      }
    }
  }
}
