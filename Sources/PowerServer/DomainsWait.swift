internal import RAPL

/// Clients that asked for domains while each core has a counter and nobody had them read: they get the first window of a public
/// stream that has them at both ends.
struct DomainsWait {
  /// How many public readings may be made in vain: then they get the latest sample as it is.
  static let mostReadings = 5

  let key: SampleStream.Key
  var clients: [ClientHandler] = []
  var readings = 0
}

extension SamplingMachine {
  /// The stream that soon has a window with domains, if the latest has none because nobody had asked for them.
  var domainsStream: SampleStream.Key? {
    guard needs.longestCoreGap != nil, let latest, !hasDomains(latest.window) else { return nil }
    return SampleStream.Key(interval: settings.publicStep, isTrusted: false)
  }

  /// Whether all domains were read at both ends of a window.
  func hasDomains(_ window: PowerWindow) -> Bool {
    min(window.start.readings.count, window.end.readings.count) >= reads.fullSnapshot.readings.count
  }
}
