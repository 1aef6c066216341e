internal import CMSRShim
public import PowerProtocol
internal import RAPL

extension PowerConnection {
  /// Waits for the next line of version 1, as long as the service is alive.
  ///
  /// - Throws: `ClientError.silent` for a service that hangs.
  public mutating func next() throws(ClientError) -> Received {
    guard let received = try nextLine() else { throw .interrupted }
    return received
  }

  /// Waits for the next line of version 1, as long as the service is alive.
  ///
  /// - Parameter output: a descriptor that also ends the wait, once its reader is gone; or -1.
  /// - Returns: nil once the output's reader is gone, or the wait is interrupted.
  /// - Throws: `ClientError.silent` for a service that hangs.
  public mutating func nextLine(output: Int32 = -1) throws(ClientError) -> Received? {
    try inTime(isFirst: !hasLine, output: output) { answer, bytes in
      guard case .line(let line) = answer else { return nil }
      return Received(text: String(decoding: bytes, as: UTF8.self), line: line)
    }
  }

  /// Waits for the next sample of a subscription, as long as the service is alive.
  ///
  /// - Parameter output: a descriptor that also ends the wait, once its reader is gone; or -1.
  /// - Returns: nil once the output's reader is gone, or the wait is interrupted.
  /// - Throws: `ClientError.silent` for a service that hangs.
  public mutating func nextSample(output: Int32 = -1) throws(ClientError) -> SampleReport? {
    try inTime(isFirst: false, output: output) { answer, _ in
      if case .sample(let sample) = answer { sample } else { nil }
    }
  }

  /// Waits for an answer, and makes sure that the service is alive: if the answer takes too long, this asks for `info`, which
  /// every service answers at once. Other lines that come in that time are skipped, and are not a sign of life.
  ///
  /// - Parameter isFirst: whether this is the first line, which comes without a request, and soon.
  private mutating func inTime<Wanted>(
    isFirst: Bool, output: Int32 = -1, _ wanted: (Answer, [UInt8]) -> Wanted?
  ) throws(ClientError) -> Wanted? {
    var isProbed = false
    var deadline = Self.deadline(milliseconds: isFirst ? patienceMilliseconds : lateMilliseconds)
    while true {
      var isOver = false
      switch try line(or: interrupt, output: output, until: deadline) {
      case .arrived(let bytes):
        let answer = try decode(bytes)
        if let found = wanted(answer, bytes) { return found }
        if isProbed, case .info = answer {
          isProbed = false
          deadline = Self.deadline(milliseconds: lateMilliseconds)
        }
        isOver = cmsr_monotonic_nanoseconds() >= deadline
      case .other: return nil
      case .timeout: isOver = true
      }
      guard isOver else { continue }
      guard !isFirst && !isProbed else { throw .silent(path: path, seconds: Int(patienceMilliseconds / 1000)) }
      isProbed = true
      try send(.info)
      deadline = Self.deadline(milliseconds: patienceMilliseconds)
    }
  }

  /// After this time an answer is late.
  private var lateMilliseconds: Int32 {
    stepSeconds.map { Int32(clamping: 1000 + 2500 * min($0, Request.longestIntervalSeconds)) } ?? patienceMilliseconds
  }
}
