internal import CMSRShim
internal import PowerProtocol
internal import RAPL

extension PowerConnection {
  /// Waits for whatever the service says next, and makes sure that it is alive: if nothing comes for longer than it should
  /// take, it is asked what it is, which any service answers at once.
  ///
  /// - Parameter output: a descriptor that ends the wait too once nobody reads what is written to it, or -1.
  /// - Returns: never `.timeout`.
  /// - Throws: `ClientError.silent` for a service that hangs.
  public mutating func nextInTime(output: Int32 = -1) throws(ClientError) -> Event {
    while true {
      let patience = isProbed ? patienceMilliseconds : lateMilliseconds
      switch try next(output: output, milliseconds: patience) {
      case .timeout: try probe(patience)
      case let event:
        isProbed = false
        return event
      }
    }
  }

  /// The next line, not decoded; nil once the service was asked whether it is alive.
  mutating func lineInTime() throws(ClientError) -> [UInt8]? {
    let patience = isProbed || !hasReceived ? patienceMilliseconds : lateMilliseconds
    do {
      let bytes = try line(patienceMilliseconds: patience)
      isProbed = false
      return bytes
    } catch {
      guard case .silent = error, hasReceived else { throw error }
      try probe(patience)
      return nil
    }
  }

  private mutating func probe(_ waited: Int32) throws(ClientError) {
    guard !isProbed else { throw .silent(path: path, seconds: Int(waited / 1000)) }
    isProbed = true
    try send(.info)
  }

  /// Later than this a sample is late.
  private var lateMilliseconds: Int32 {
    stepSeconds.map { Int32(clamping: 1000 + 2500 * min($0, Request.longestIntervalSeconds)) } ?? patienceMilliseconds
  }
}
