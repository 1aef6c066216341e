internal import CMSRShim
internal import Formatting
internal import Glibc
public import PowerProtocol
internal import SystemCalls

extension PowerConnection {
  /// What ended a wait.
  public enum Event: Sendable {
    /// The service said something.
    case answer(Answer)
    /// The other descriptor has something to read, or has been closed; or nobody reads the output any more.
    case other
    /// No whole line came in time.
    case timeout
  }

  /// Sends a request; its answer comes in its turn.
  public mutating func send(_ request: Request) throws(ClientError) {
    let bytes = request.json.line
    // Small enough to go whole: the service reads its clients' requests before it answers them.
    switch unsafe bytes.withUnsafeBytes({ unsafe cmsr_send_line(descriptor.number, $0.baseAddress, $0.count) }) {
    case 0: return
    case EPIPE, ECONNRESET: throw ending
    case let error: throw .failed(path: path, errno: error)
    }
  }

  /// What the service is, and what applies to this connection.
  public mutating func info() throws(ClientError) -> ServiceInfo {
    try ask(.info) { if case .info(let info) = $0 { info } else { nil } }
  }

  /// The latest sample. Not while a subscription lasts: its samples look the same.
  public mutating func sample() throws(ClientError) -> SampleReport {
    try ask(.sample()) { if case .sample(let sample) = $0 { sample } else { nil } }
  }

  /// What was drawn in the latest so many seconds.
  public mutating func history(seconds: Int) throws(ClientError) -> HistoryReport {
    try ask(.history(seconds: seconds)) { if case .history(let history) = $0 { history } else { nil } }
  }

  /// Begins a stream of samples; they come by `nextSample(output:)` or `next(or:milliseconds:)`.
  ///
  /// - Parameters:
  ///   - intervalSeconds: from sample to sample; nil for the service's own interval.
  ///   - domains: whether the samples have domains, which may cost the machine an interrupt for each core. Only a service whose
  ///     `info` lists this member can leave them out.
  /// - Returns: what the service made of it: it may be more.
  public mutating func subscribe(
    intervalSeconds: Double? = nil, domains: Bool = true
  ) throws(ClientError) -> Subscription {
    try ask(.subscribe(intervalSeconds: intervalSeconds, domains: domains)) {
      if case .subscribed(let answer) = $0 { answer } else { nil }
    }
  }

  /// Waits for whatever the service says next, or until there is something to read elsewhere.
  ///
  /// - Parameters:
  ///   - other: a descriptor that ends the wait too, or -1.
  ///   - output: a descriptor that ends the wait too once nobody reads what is written to it, or -1.
  ///   - milliseconds: how long to wait; negative: for ever.
  public mutating func next(or other: Int32 = -1, output: Int32 = -1, milliseconds: Int32 = -1) throws(ClientError)
    -> Event
  {
    switch try line(or: other, output: output, until: Self.deadline(milliseconds: milliseconds)) {
    case .line(let bytes): .answer(try decode(bytes))
    case .other: .other
    case .timeout: .timeout
    }
  }

  /// Sends a request and waits for its answer. What else comes meanwhile is passed over, and gives it no more time. A service
  /// of version 1 that ignores requests goes on with its lines: that is taken for a refusal.
  private mutating func ask<Kind>(_ request: Request, _ kind: (Answer) -> Kind?) throws(ClientError) -> Kind {
    try send(request)
    let begin = cmsr_monotonic_nanoseconds()
    let deadline = Self.deadline(milliseconds: patienceMilliseconds)
    var goesOn = false
    repeat {
      switch try line(or: interrupt, until: deadline) {
      case .line(let bytes):
        let answer = try decode(bytes)
        if case .refused(let refusal) = answer { throw .refused(path: path, refusal) }
        if let found = kind(answer) { return found }
        // Lines that come sooner may have been on their way before the request was: they tell of no version.
        if case .line = answer { goesOn = cmsr_monotonic_nanoseconds() - begin > (deadline - begin) / 4 }
      case .other: throw .interrupted
      case .timeout: break
      }
    } while cmsr_monotonic_nanoseconds() < min(deadline, endNanoseconds)
    guard !goesOn else { throw .refused(path: path, Refusal(code: "unknown_request", message: "It does not answer.")) }
    throw .silent(path: path, seconds: Int(patienceMilliseconds / 1000))
  }
}
