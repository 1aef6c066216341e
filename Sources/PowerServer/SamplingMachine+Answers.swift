internal import RAPL

/// What answers a request now.
extension SamplingMachine {
  /// Whether the latest sample answers a client. A sample from before or during a sleep does not answer a client that woke the
  /// service, unless it is as young as it would be in a service that is awake.
  func hasAnswer(at moment: Moment) -> Bool {
    guard let latest else { return false }
    return !isAsleep || moment.boottime - latest.end <= max(settings.interval, settings.updateNanoseconds)
  }

  /// What answers a client that asks for a sample now; `SamplingEvent.sampleAsked` comes before, if it asks for domains.
  func answer(domains: Bool, at moment: Moment) -> FeedAnswer {
    if domains, case .window = domainsWait { return .fresh }
    return hasAnswer(at: moment) && !(domains && awaitsDomains) ? .latest : .next
  }

  /// Whether a trusted client may have a reading of its own; otherwise it gets the latest sample.
  func grantsFresh(at moment: Moment) -> Bool { !isAsleep && latest != nil && !isStale(at: moment) }

  /// The start of the first window for a client that asks for a reading of its own: the end of the latest window, or, if that has
  /// no domains, the latest reading that has them.
  func freshStart(at moment: Moment) -> EnergySnapshot? {
    guard let end = latest?.window.end else { return nil }
    let isFuller =
      end.readings.count < reads.fullSnapshot.readings.count
      && moment.monotonic - reads.lastFull <= settings.interval
    return isFuller ? reads.fullSnapshot : end
  }
}
