public import PowerProtocol

/// What a client knows of the service that it watches.
public struct WatchModel: Sendable {
  /// The state of the connection.
  enum Link: Sendable, Equatable {
    /// Connected, but nothing has come yet.
    case waiting
    /// Readings come.
    case live
    /// The service is gone, for this reason.
    case lost(String)
  }

  /// The state of the connection.
  private(set) var link = Link.waiting
  /// The service's description of itself; nil until it has come, and for a service of version 1.
  private(set) var info: ServiceInfo?
  /// The latest reading.
  public private(set) var reading: Reading?
  /// What limits the packages.
  private(set) var limits = LimitsTrack()
  /// The power so far.
  private(set) var timeline = Timeline()
  /// Whether the service knows version 1 only.
  private(set) var isVersion1 = false
  /// The time between samples in seconds, as subscribed; nil without a subscription.
  private(set) var subscribedSeconds: Double?
  /// The end of a sample of this connection, in seconds since 1970: the graph's columns end there too.
  private(set) var anchor: Double?
  /// The shortest time between two lines of version 1, in seconds.
  private var shortestStep: Double?
  /// The warning about who serves; nil if the server is trusted.
  private(set) var warning: String?
  /// When the latest line of version 1 on this connection ended, in seconds since 1970.
  private var latestLine: Double?

  /// Nothing is known yet.
  init() {}

  /// The time between samples in seconds, if it is known.
  var intervalSeconds: Double {
    // The timestamps of version 1 may lie any time apart.
    min(max(subscribedSeconds ?? info?.intervalSeconds ?? shortestStep.map(Self.round) ?? 1, 0.001), 86_400)
  }

  /// Timestamps are a few milliseconds early or late, so a step of 0.998 s counts as one second.
  private static func round(_ step: Double) -> Double {
    let unit = step < 1 ? 0.01 : 0.1
    return (step / unit).rounded() * unit
  }

  /// A service has connected, the first one or another.
  ///
  /// - Parameter warning: the warning about who serves; nil if the server is trusted.
  public mutating func connected(warning: String? = nil) {
    link = .waiting
    self.warning = warning
    limits.clear()
    (info, anchor, subscribedSeconds, shortestStep, latestLine, isVersion1) = (nil, nil, nil, nil, nil, false)
  }

  /// The service is gone.
  public mutating func lost(_ why: String) { link = .lost(why) }

  /// Takes an answer of the service.
  mutating func apply(_ answer: Answer) {
    link = .live
    switch answer {
    case .info(let info): self.info = info
    case .history(let history): timeline.merge(history.rows)
    case .limits(let limits): self.limits.append(limits)
    case .subscribed(let subscription): subscribedSeconds = subscription.intervalSeconds
    case .refused(let refusal): isVersion1 = isVersion1 || refusal.code == "unknown_request"
    case .sample(let sample):
      show(Reading(sample), seconds: sample.windowSeconds)
    case .line(let line):
      let reading = Reading(line)
      let step = latestLine.map { reading.unixSeconds - $0 }.flatMap { $0 > 0 ? $0 : nil }
      latestLine = reading.unixSeconds
      if let step, line.status != .stale { shortestStep = min(shortestStep ?? step, step) }
      // A line does not tell the length of its window. Lines may be lost, so the window is never longer than the shortest step.
      show(reading, seconds: step.flatMap { _ in shortestStep })
    }
  }

  private mutating func show(_ reading: Reading, seconds: Double?) {
    self.reading = reading
    // A stale reading repeats an old one.
    guard reading.status != .stale, let seconds else { return }
    let row = Timeline.Row(
      unixSeconds: reading.unixSeconds, seconds: seconds, watts: reading.watts, leastWatts: reading.watts,
      mostWatts: reading.watts, joules: reading.watts * seconds, isAsleep: false)
    guard row.isPlausible else { return }
    // A requested sample may end at any time; the others end on the service's grid.
    if reading.sample == nil || subscribedSeconds != nil { anchor = anchor ?? row.unixSeconds }
    timeline.append(row)
  }

  /// The age of the reading in seconds; nil if it is the present one.
  func age(now: Double) -> Double? {
    guard let reading else { return nil }
    let age = max(now - reading.unixSeconds, 0)
    if case .lost = link { return age }
    return reading.status == .stale || age > 2.5 * intervalSeconds + 1 ? age : nil
  }
}

/// The latest reading of a service, in either version of the protocol.
public struct Reading: Sendable, Equatable {
  /// The window's end, in seconds since 1970.
  public var unixSeconds: Double
  /// The mean over the window in watts, summed over all packages.
  public var watts: Double
  /// The status: "ok", "stale" or "simulated".
  public var status: PowerLine.Status
  /// The whole sample of version 2; nil from version 1.
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
