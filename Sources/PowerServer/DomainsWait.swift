internal import RAPL

/// Clients that asked for domains while each core has a counter, and nobody had them read: they get the first window that has
/// domains at both ends.
enum DomainsWait {
  /// They wait for the first sample, of a service that sleeps or has just started.
  case sample
  /// They wait for a window between two readings of their own.
  ///
  /// - Parameter readings: how many public readings were made so far.
  case window(readings: Int)

  /// How many public readings may be made in vain: then they get the latest sample as it is.
  static let mostReadings = 5
}

extension SamplingMachine {
  /// Whether a client waits for domains.
  var awaitsDomains: Bool { domainsWait != nil }

  /// A client has asked for a sample with domains.
  ///
  /// - Returns: whether the alarm changes.
  mutating func askForDomains(at moment: Moment) -> Bool {
    guard needs.longestCoreGap != nil, domainsWait == nil else { return false }
    if hasAnswer(at: moment), let latest, isStale(at: moment) || hasDomains(latest.window) { return false }
    if isAsleep || latest == nil {
      domainsWait = .sample
      return false
    }
    waitForWindow(start: reads.publicSnapshot, now: moment.monotonic)
    return true
  }

  /// There is a sample of the service's own: it answers those who wait for domains, or they wait for a window of theirs.
  ///
  /// - Returns: whether it answers clients that waited for a window.
  mutating func settleDomains(
    _ window: PowerWindow, at now: Int64, _ actions: inout [SamplingAction]
  ) -> Bool {
    switch domainsWait {
    case .window where hasDomains(window):
      endDomainsWait()
      return true
    case .sample where !hasDomains(window):
      waitForWindow(start: window.end, now: now)
      actions.append(.awaitDomains)
    case .sample, .window, nil: break
    }
    return false
  }

  /// A public reading was made: gives up after too many.
  mutating func countDomainsReading(_ actions: inout [SamplingAction]) {
    guard case .window(let readings) = domainsWait else { return }
    domainsWait = .window(readings: readings + 1)
    guard readings + 1 >= DomainsWait.mostReadings else { return }
    endDomainsWait()
    actions.append(.answerDomains(nil))
  }

  /// Takes the window of those who wait for domains out of the samples of a reading.
  mutating func takeDomainsWindow(_ samples: inout [StreamedSample], _ actions: inout [SamplingAction]) {
    guard let index = samples.firstIndex(where: { $0.key == domainsKey }) else { return }
    let sample = samples.remove(at: index)
    guard !sample.isStale, hasDomains(sample.window) else { return }
    endDomainsWait()
    actions.append(.answerDomains(sample.window))
  }

  mutating func endDomainsWait() {
    if case .window = domainsWait { streams.end(domainsKey) }
    domainsWait = nil
  }

  private mutating func waitForWindow(start: EnergySnapshot?, now: Int64) {
    domainsWait = .window(readings: 0)
    // Its first window has no domains at its start, so it may be as short as the grid has it; no reading comes sooner by that.
    streams.begin(domainsKey, phase: firstPoint, start: start, now: now - settings.shortestPublicGap)
  }

  /// The stream of those who wait for domains; no client subscribes to it.
  private var domainsKey: SampleStream.Key {
    SampleStream.Key(interval: settings.publicStep, isTrusted: false, isOfRequests: true)
  }

  /// Whether all domains were read at both ends of a window.
  private func hasDomains(_ window: PowerWindow) -> Bool {
    min(window.start.readings.count, window.end.readings.count) >= reads.fullSnapshot.readings.count
  }
}
