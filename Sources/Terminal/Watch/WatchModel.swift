public import PowerProtocol

/// What a client knows of a service that it watches.
public struct WatchModel: Sendable {
  /// Whether there is a service.
  enum Link: Sendable, Equatable {
    /// It is connected, and silent so far.
    case waiting
    /// It speaks.
    case live
    /// It is gone: why.
    case lost(String)
  }

  /// Whether there is a service.
  private(set) var link = Link.waiting
  /// What the service is; nil until it said so, and for a service of version 1.
  private(set) var info: ServiceInfo?
  /// The latest reading.
  public private(set) var reading: Reading?
  /// What was drawn so far.
  private(set) var timeline = Timeline()
  /// Whether the service knows version 1 only.
  private(set) var isVersion1 = false
  /// From sample to sample, in seconds, as subscribed; nil where nothing is.
  private(set) var subscribedSeconds: Double?
  /// Where a sample of this connection ended, in seconds since 1970: the graph's columns end there too.
  private(set) var anchor: Double?
  /// The shortest time between two lines of version 1, in seconds.
  private var shortestStep: Double?
  /// What has to be known of whoever serves; nil if it is trusted.
  private(set) var warning: String?
  /// When the latest line of version 1 on this connection ended, in seconds since 1970.
  private var latestLine: Double?

  /// Nothing is known yet.
  init() {}

  /// From sample to sample, in seconds, as far as it is known.
  var intervalSeconds: Double {
    // Stamps of version 1 may lie as far apart as they like.
    min(max(subscribedSeconds ?? info?.intervalSeconds ?? shortestStep.map(Self.round) ?? 1, 0.001), 86_400)
  }

  /// Stamps are a few milliseconds early or late: a step of 0.998 s is one of a second.
  private static func round(_ step: Double) -> Double {
    let unit = step < 1 ? 0.01 : 0.1
    return (step / unit).rounded() * unit
  }

  /// A service is connected, the first or another.
  ///
  /// - Parameter warning: what has to be known of whoever serves; nil if it is trusted.
  public mutating func connected(warning: String? = nil) {
    link = .waiting
    self.warning = warning
    (info, anchor, subscribedSeconds, shortestStep, latestLine, isVersion1) = (nil, nil, nil, nil, nil, false)
  }

  /// The service is gone.
  public mutating func lost(_ why: String) { link = .lost(why) }

  /// Takes in what the service said.
  mutating func apply(_ answer: Answer) {
    link = .live
    switch answer {
    case .info(let info): self.info = info
    case .history(let history): timeline.merge(history.rows)
    case .subscribed(let subscription): subscribedSeconds = subscription.intervalSeconds
    case .refused(let refusal): isVersion1 = isVersion1 || refusal.code == "unknown_request"
    case .sample(let sample):
      show(Reading(sample), seconds: sample.windowSeconds)
    case .line(let line):
      let reading = Reading(line)
      let step = latestLine.map { reading.unixSeconds - $0 }.flatMap { $0 > 0 ? $0 : nil }
      latestLine = reading.unixSeconds
      if let step, line.status != .stale { shortestStep = min(shortestStep ?? step, step) }
      // A line does not say over how long it is the mean; lines may be lost, so it is never more than the shortest step.
      show(reading, seconds: step.flatMap { _ in shortestStep })
    }
  }

  private mutating func show(_ reading: Reading, seconds: Double?) {
    self.reading = reading
    // A stale reading is an old one again.
    guard reading.status != .stale, let seconds else { return }
    let row = Timeline.Row(
      unixSeconds: reading.unixSeconds, seconds: seconds, watts: reading.watts, leastWatts: reading.watts,
      mostWatts: reading.watts, joules: reading.watts * seconds, isAsleep: false)
    guard row.isPlausible else { return }
    // A sample that was asked for may end anywhere; the others end on the service's grid.
    if reading.sample == nil || subscribedSeconds != nil { anchor = anchor ?? row.unixSeconds }
    timeline.append(row)
  }

  /// How old the reading is, in seconds, where it is not the present one.
  func age(now: Double) -> Double? {
    guard let reading else { return nil }
    let age = max(now - reading.unixSeconds, 0)
    if case .lost = link { return age }
    return reading.status == .stale || age > 2.5 * intervalSeconds + 1 ? age : nil
  }
}

/// The latest that a service said, in either version of the protocol.
public struct Reading: Sendable, Equatable {
  /// The window's end, in seconds since 1970.
  public var unixSeconds: Double
  /// The mean over the window, summed over all packages.
  public var watts: Double
  /// How much the watts are worth.
  public var status: PowerLine.Status
  /// All that version 2 tells; nil from version 1.
  public var sample: SampleReport?

  /// A reading of version 2.
  public init(_ sample: SampleReport) {
    self.sample = sample
    (unixSeconds, watts, status) = (sample.unixSeconds, sample.watts, sample.status)
  }

  /// A reading of version 1.
  public init(_ line: PowerLine) {
    (unixSeconds, watts, status) = (Double(line.unixMilliseconds) / 1000, line.watts, line.status)
  }
}
