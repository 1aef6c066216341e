internal import Formatting
internal import PowerProtocol
internal import RAPL

extension Broadcaster {
  /// The latest sample as it is to be said now; nil where whoever asks has to wait for one.
  func report(trusted: Bool) -> JSON? {
    // What was measured before the service fell asleep is no answer to whoever woke it.
    guard !isAsleep || isYoung else { return nil }
    return latestReport(trusted: trusted)
  }

  /// Answers a client as soon as there is another sample, or it is sure that there is none.
  func answerNext(_ client: ClientHandler) {
    waiting.append(client)
  }

  /// Answers those who wait for a sample.
  func answerWaiting() {
    let clients = waiting
    waiting = []
    for client in clients {
      client.answer { [self] in latestReport(trusted: client.isTrusted) ?? RequestError.noReading.json }
    }
  }

  /// Answers a client that asked for a fresh reading: over the time since its latest one.
  ///
  /// - Parameter isBetweenSteps: whether that there is none means that the latest is as fresh as can be.
  func answerFresh(
    _ snapshot: EnergySnapshot, to client: ClientHandler, status: PowerLine.Status,
    isBetweenSteps: (NoSample) -> Bool
  ) {
    var meter = client.meter ?? PowerMeter()
    let result = meter.finish(snapshot)
    client.meter = meter
    if case .none(let reason) = result, isBetweenSteps(reason) {
      return client.answer { [self] in latestReport(trusted: true) ?? RequestError.noReading.json }
    }
    client.answer { [self, sequence] in
      switch result {
      case .window(let window):
        window.report(sequence: sequence, status: status, reason: nil, policy: access.policy(trusted: true)).json
      case .none(let reason): latestReport(trusted: true, failure: reason) ?? RequestError.noReading.json
      }
    }
  }

  /// Hands a reading to the streams whose point has come; without one they are told once the latest sample is too old.
  func deliver(_ snapshot: EnergySnapshot?, now: Int64, isPublic: Bool, status: PowerLine.Status) {
    if streams.isEmpty { return }
    streams.take(snapshot, now: now, isPublic: isPublic) { stream, result in
      let policy = access.policy(trusted: stream.key.isTrusted)
      let report: SampleReport
      if let result {
        report = result.window.report(
          sequence: result.sequence, status: status, reason: nil, policy: policy, domains: stream.key.hasDomains)
      } else if isStale, let old = stream.latest ?? latest.map({ ($0.window, 0) }) {
        // The one that the stream had before, under its number: its subscribers miss none.
        report = old.window.report(
          sequence: old.sequence, status: .stale, reason: reason(failure), policy: policy,
          domains: stream.key.hasDomains)
      } else {
        return
      }
      let bytes = report.json.line
      for client in stream.clients { client.send(bytes) }
    }
  }

  private func latestReport(trusted: Bool, failure fresh: NoSample? = nil) -> JSON? {
    guard let latest else { return nil }
    let isStale = isStale || fresh != nil
    return latest.window.report(
      sequence: sequence, status: isStale ? .stale : latest.line.status,
      reason: isStale ? reason(fresh ?? failure) : nil, policy: access.policy(trusted: trusted)
    ).json
  }

  private func reason(_ failure: NoSample?) -> String {
    failure.map { "\($0)" } ?? "Its source delivers nothing."
  }
}
