internal import CMSRShim
internal import Formatting
internal import Glibc
public import PowerProtocol
internal import SystemCalls

/// What ended a wait.
public enum WaitEvent<Arrival: Sendable>: Sendable {
  /// What was waited for.
  case arrived(Arrival)
  /// The other descriptor is readable or was closed, or the output's reader is gone.
  case other
  /// Nothing came in time.
  case timeout
}

extension PowerConnection {
  /// Sends a request. Answers come in the order of the requests.
  public mutating func send(_ request: Request) throws(ClientError) {
    let bytes = request.json.line
    // Small enough to go whole: the service reads its clients' requests before it answers them.
    let sent = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
    }
    if sent == bytes.count { return }
    switch sent < 0 ? errno : EMSGSIZE {
    case EPIPE, ECONNRESET: throw ending
    case let error: throw .failed(path: path, errno: error)
    }
  }

  /// The service's description of itself, and the policy for this connection.
  public mutating func info() throws(ClientError) -> ServiceInfo {
    try ask(.info) { if case .info(let info) = $0 { info } else { nil } }
  }

  /// The latest sample. Do not use it during a subscription, whose samples look the same.
  public mutating func sample() throws(ClientError) -> SampleReport {
    try ask(.sample()) { if case .sample(let sample) = $0 { sample } else { nil } }
  }

  /// The power of the latest seconds, this many.
  public mutating func history(seconds: Int) throws(ClientError) -> HistoryReport {
    try ask(.history(seconds: seconds)) { if case .history(let history) = $0 { history } else { nil } }
  }

  /// What limits the packages. Only a service whose `info` lists this request can tell.
  public mutating func limits() throws(ClientError) -> LimitsReport {
    try ask(.limits) { if case .limits(let limits) = $0 { limits } else { nil } }
  }

  /// The power of the last day; nil for a service that does not tell it now.
  public mutating func pastDay() throws(ClientError) -> HistoryReport? {
    do throws(ClientError) {
      return try history(seconds: 86_400)
    } catch {
      guard case .refused = error else { throw error }
      return nil
    }
  }

  /// Begins a stream of samples; they come by `nextSample(output:)` or `next(or:milliseconds:)`.
  ///
  /// - Parameters:
  ///   - intervalSeconds: the time between samples; nil for the service's own interval.
  ///   - domains: whether the samples have domains, which may cost the machine an interrupt for each core. Only a service whose
  ///     `info` lists this member can leave them out.
  /// - Returns: the subscription that the service granted; its interval may be longer.
  public mutating func subscribe(
    intervalSeconds: Double? = nil, domains: Bool = true
  ) throws(ClientError) -> Subscription {
    try ask(.subscribe(intervalSeconds: intervalSeconds, domains: domains)) {
      if case .subscribed(let answer) = $0 { answer } else { nil }
    }
  }

  /// Waits for the service's next line, or until another descriptor is readable.
  ///
  /// - Parameters:
  ///   - other: a descriptor that also ends the wait, or -1.
  ///   - output: a descriptor that also ends the wait, once its reader is gone; or -1.
  ///   - deadline: the end of the wait, by CLOCK_MONOTONIC in nanoseconds.
  public mutating func next(or other: Int32, output: Int32 = -1, until deadline: Int64) throws(ClientError)
    -> WaitEvent<Answer>
  {
    switch try line(or: other, output: output, until: deadline) {
    case .arrived(let bytes): .arrived(try decode(bytes))
    case .other: .other
    case .timeout: .timeout
    }
  }

  /// Sends a request and waits for its answer. Other lines that come in that time are skipped, and do not extend the wait. A
  /// service of version 1 ignores requests and goes on sending its lines; this counts as a refusal.
  private mutating func ask<Kind>(_ request: Request, _ kind: (Answer) -> Kind?) throws(ClientError) -> Kind {
    try send(request)
    let begin = cmsr_monotonic_nanoseconds()
    let deadline = Self.deadline(milliseconds: patienceMilliseconds)
    var goesOn = false
    repeat {
      switch try line(or: interrupt, until: deadline) {
      case .arrived(let bytes):
        let answer = try decode(bytes)
        if case .refused(let refusal) = answer { throw .refused(path: path, refusal) }
        if let found = kind(answer) { return found }
        // Earlier lines may have been sent before the request arrived, so they do not tell the version.
        if case .line = answer { goesOn = cmsr_monotonic_nanoseconds() - begin > (deadline - begin) / 4 }
      case .other: throw .interrupted
      case .timeout: break
      }
    } while cmsr_monotonic_nanoseconds() < min(deadline, endNanoseconds)
    guard !goesOn else { throw .refused(path: path, Refusal(code: "unknown_request", message: "It does not answer.")) }
    throw .silent(path: path, seconds: Int(patienceMilliseconds / 1000))
  }
}
