internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Reads the source at every point of the grid and hands on what comes of it. Lives on the event loop.
///
/// It sleeps as soon as the last client has left, and then reads only as often as the counters' wraps need. A client that
/// wakes it gets the mean since the latest public reading, so one that polls sees all that was drawn since it was last there;
/// if that reading is too old, it gets a short window of its own. Both end on a grid that all connections share. Public
/// readings are a shortest window apart, less the tolerance of the grid; the trusted have readings in between.
final class Sampler: Feed {
  /// What is done at a point.
  private enum Step {
    /// Everybody gets a sample.
    case sample
    /// A look in its sleep.
    case doze
    /// A window begins for the client that woke it, whose latest public reading is too old to end one.
    case beginWindow
  }

  /// The shortest time between two looks for a step.
  private static let shortestPause: Int64 = 1_000_000

  /// How late a reading may be without costing the next its domains.
  private static let slack: Int64 = 20_000_000

  private var source: any EnergySource
  private var meter = PowerMeter()
  private let grid: SamplingGrid
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private let logger: Logger
  private let settings: ServerSettings
  private let trustedGrid: SamplingGrid
  /// Where windows for those who wake it begin: closer points, of which the grid's are some, so that a line comes within 300
  /// ms.
  private let wakingGrid: SamplingGrid

  private var step = Step.sample
  private var stepTime = Int64.max
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.tick() }
  private var hasComplained = false
  private var isWaking = false
  /// Whether the reading for the client that woke it is made a second time, because the first could not end a window.
  private var isRetrying = false
  /// When the counters were last read.
  private var lastRead: Int64
  /// The last reading that everybody gets to know of, and when it was made; nil where it began no window.
  private var lastPublic: EnergySnapshot?
  private var lastPublicRead: Int64
  /// When the window that goes on began.
  private var windowBegan: Int64
  /// The last reading of all domains, and when it was made.
  private var lastFull: EnergySnapshot
  private var lastFullRead: Int64
  /// When the last of these was made that everybody gets to know of.
  private var lastFullPublicRead: Int64
  /// Until when those who have asked for a sample may ask again.
  private var askedUntil = Int64.min
  private var refreshing: [ClientHandler] = []
  /// When the last reading was made that somebody asked for.
  private var lastRefresh: Int64 = 0
  private var refreshTime = Int64.max

  /// Begins the first window.
  init(
    source: any EnergySource, begun: EnergySnapshot, settings: ServerSettings, broadcaster: Broadcaster,
    eventLoop: any EventLoop, logger: Logger
  ) {
    self.source = source
    self.settings = settings
    self.broadcaster = broadcaster
    self.eventLoop = eventLoop
    self.logger = logger
    let start = begun.readings.map(\.monotonicNanoseconds).max() ?? 0
    lastRead = start
    lastPublicRead = start
    lastPublic = begun
    windowBegan = start
    lastFull = begun
    lastFullRead = start
    lastFullPublicRead = start
    grid = SamplingGrid(
      first: start + settings.firstWindow, interval: settings.interval,
      shortestGap: settings.shortestPublicGap)
    wakingGrid = SamplingGrid(first: grid.first, interval: max(settings.firstWindow / 5, 1), shortestGap: 0)
    trustedGrid = SamplingGrid(first: grid.first, interval: broadcaster.access.trustedStep, shortestGap: 0)
    _ = meter.measure(begun)
  }

  func start() {
    plan(.sample, at: grid.first)
    arm()
  }

  func stop() {
    alarm.cancel()
  }

  func wake() {
    guard broadcaster.isAsleep, !isWaking else { return }
    isWaking = true
    isRetrying = false
    let point = wakingGrid.next(after: now)
    if point - windowBegan <= settings.longestWakingWindow {
      plan(.sample, at: max(point, windowBegan + settings.firstWindow))
    } else {
      plan(.beginWindow, at: point)
    }
    arm()
  }

  func rest() {
    // Before the first sample it goes on: a client that comes then would wait for it.
    guard !broadcaster.hasNothing, !broadcaster.isAsleep || isWaking else { return }
    fallAsleep()
    broadcaster.beat()
    arm()
  }

  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    let isAwake = !broadcaster.isAsleep && !isWaking
    broadcaster.streams.subscribe(
      client, to: key, phase: grid.first, start: isAwake ? lastPublic : nil, now: now)
    arm()
  }

  func wantDomains() { askedUntil = now + settings.domainsPatience }

  func refresh(for client: ClientHandler) -> Bool {
    guard !broadcaster.isAsleep, !isWaking, !broadcaster.hasNothing, !broadcaster.isStale else { return false }
    if refreshing.isEmpty {
      refreshTime = max(
        trustedGrid.next(after: now), max(lastRefresh, lastPublicRead) + broadcaster.access.trustedStep)
    }
    // Where the latest window has no domains, the latest reading that has them.
    if client.meter == nil, let end = broadcaster.latestEnd {
      let isFuller = end.readings.count < lastFull.readings.count && now - lastFullRead <= settings.interval
      client.meter = PowerMeter(start: isFuller ? lastFull : end)
    }
    refreshing.append(client)
    arm()
    return true
  }

  /// Before when nothing is read that everybody gets to know of.
  private var earliestPublic: Int64 { lastPublicRead + settings.shortestPublicGap }

  /// The same for public streams: while somebody waits for the sample that wakes the service, a reading for a stream just
  /// before it would put that sample off.
  private var earliestPublicStream: Int64 { isWaking ? max(earliestPublic, stepTime) : earliestPublic }

  private var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  /// How long the counters bear not to be read: a little more than a sleep for their sake, so that one alarm does for both.
  private var longestGap: Int64 { Int64(nanosecondsIn: max(source.longestIntervalSeconds * 1.05, 0.001)) }

  private func plan(_ step: Step, at time: Int64) {
    self.step = step
    stepTime = time
  }

  /// Waits for whatever comes first.
  private func arm() {
    var time = min(max(stepTime, earliestPublic), refreshTime)
    time = min(time, lastRead + longestGap)
    // A step is seen when it happens, asleep too: whoever comes then waits for one at most.
    if let steps = source.steps { time = min(time, max(steps.nextLookNanoseconds, lastRead + Self.shortestPause)) }
    if let due = broadcaster.streams.due(earliestPublic: earliestPublicStream) { time = min(time, due) }
    alarm.set(at: time)
  }

  /// A point has come: everybody's, somebody's, or the one at which the counters have to be read.
  private func tick() {
    let now = now
    if now >= stepTime, now >= earliestPublic {
      switch step {
      case .sample: sample()
      case .doze: doze()
      case .beginWindow: beginWindow()
      }
    } else {
      let isPublic = broadcaster.streams.isPublicDue(at: now, earliestPublic: earliestPublicStream)
      handOut(read(isPublic: isPublic), isPublic: isPublic)
    }
    arm()
  }

  /// At a point of the grid, or as soon as somebody has come: a sample for everybody.
  private func sample() {
    let snapshot = read(isPublic: true)
    switch meter.finish(snapshot) {
    case .window(let window):
      windowBegan = lastRead
      recovered()
      // The time asleep has one mean only.
      let isMean = broadcaster.isAsleep && window.sample.windowNanoseconds > settings.interval * 3 / 2
      wakeUp()
      broadcaster.publish(
        window, status: status, asleepNanoseconds: snapshot.asleepNanoseconds, coversSleep: isMean)
    case .none(let reason):
      if reason.beginsWindow { windowBegan = lastRead }
      if retries(reason) { return plan(.sample, at: lastRead + settings.firstWindow) }
      if isBetweenSteps(reason) {
        // Whoever has nothing yet gets the next step's.
        if isWaking || broadcaster.hasNothing { return plan(.sample, at: lastRead + settings.firstWindow) }
        broadcaster.repeatLatest()
      } else {
        report(reason)
        wakeUp()
        broadcaster.noSample()
      }
    }
    handOut(snapshot, isPublic: true)
    goOn()
  }

  /// In its sleep: no counter may wrap unseen.
  private func doze() {
    // An odd value is settled by the next look, which comes soon.
    if let reason = look(), !reason.isOdd, !isBetweenSteps(reason) { report(reason) }
    broadcaster.beat()
    plan(.doze, at: now + settings.longestSleep)
  }

  /// Somebody has come: from here to the next sample goes what they are told.
  private func beginWindow() {
    guard let reason = look(), !isBetweenSteps(reason) else {
      return plan(.sample, at: lastRead + settings.firstWindow)
    }
    if retries(reason) { return plan(.beginWindow, at: lastRead + settings.firstWindow) }
    report(reason)
    // Without a reading they are told what there is, and that it is stale, and wait no longer for that than for a sample.
    wakeUp()
    broadcaster.noSample()
    goOn()
  }

  /// Whether another reading is made before the client that woke it is told that there is none. An odd value, as of an AMD
  /// part that reads 0 now and then, is settled by the next one; after a suspend or a reset the next one ends a window. Once
  /// only: a counter that goes on so must not keep anybody waiting.
  private func retries(_ reason: NoSample) -> Bool {
    guard isWaking, !isRetrying, reason.isOdd || reason.beginsWindow else { return false }
    isRetrying = true
    return true
  }

  /// Whether there is no sample only because the counters move in steps, and the next one is not due yet.
  private func isBetweenSteps(_ reason: NoSample) -> Bool {
    guard case .idle = reason, let steps = source.steps, let start = meter.start else { return false }
    return now - start.firstNanoseconds <= steps.periodNanoseconds * 5 / 2
  }

  /// Takes a reading in that is not for clients, and gives why no new window begins with it, if none does.
  private func look() -> NoSample? {
    let snapshot = read(isPublic: true)
    switch meter.finish(snapshot) {
    case .window(let window):
      windowBegan = lastRead
      recovered()
      broadcaster.keep(window, status: status, asleepNanoseconds: snapshot.asleepNanoseconds)
      return nil
    case .none(let reason) where reason.beginsWindow:
      report(reason)
      windowBegan = lastRead
      return nil
    case .none(let reason):
      lastPublic = nil
      return reason
    }
  }

  /// From point to point while there are clients.
  private func goOn() {
    if broadcaster.hasClients {
      plan(.sample, at: grid.next(after: lastRead))
    } else {
      fallAsleep()
    }
    broadcaster.beat()
  }

  private func wakeUp() {
    broadcaster.isAsleep = false
    isWaking = false
  }

  private func fallAsleep() {
    broadcaster.isAsleep = true
    isWaking = false
    plan(.doze, at: lastRead + settings.longestSleep)
  }

  private func read(isPublic: Bool) -> EnergySnapshot {
    // Domains cost a register each, and are for those who ask; a sample that is good for everybody has them.
    let isFull =
      source.longestCoreIntervalSeconds.map { areCoresWanted(isPublic: isPublic, longestSeconds: $0) }
      ?? (!broadcaster.streams.isEmpty || !refreshing.isEmpty || isFullDue(since: lastFullRead)
        // What somebody trusted has read in between must not cost everybody's sample its domains.
        || isPublic && isFullDue(since: lastFullPublicRead))
    let snapshot = source.read(domains: isFull)
    lastRead = now
    if isFull {
      lastFull = snapshot
      lastFullRead = lastRead
    }
    if isPublic && isFull { lastFullPublicRead = lastRead }
    if isPublic {
      lastPublic = snapshot
      lastPublicRead = lastRead
    }
    return snapshot
  }

  /// Whether a reading is worth a register and an interrupt for each core: somebody takes it who asked for domains, or a
  /// subscription with domains needs it so that no core wraps unseen.
  private func areCoresWanted(isPublic: Bool, longestSeconds: Double) -> Bool {
    let now = now
    return now < askedUntil || now + broadcaster.access.trustedStep / 10 >= refreshTime
      || broadcaster.streams.takeDomains(at: now, isPublic: isPublic)
      || broadcaster.streams.haveDomains
        && now + longestGap - lastFullRead >= Int64(nanosecondsIn: longestSeconds)
  }

  private func isFullDue(since last: Int64) -> Bool {
    now - last >= ServerSettings.shortestPublicWindow - Self.slack
  }

  /// Gives a reading to all who wait for one.
  private func handOut(_ snapshot: EnergySnapshot, isPublic: Bool) {
    broadcaster.deliver(snapshot, now: lastRead, isPublic: isPublic, status: status)
    guard lastRead >= refreshTime else { return }
    let clients = refreshing
    refreshing = []
    refreshTime = .max
    lastRefresh = lastRead
    for client in clients {
      broadcaster.answerFresh(snapshot, to: client, status: status) { [self] in isBetweenSteps($0) }
    }
  }

  private var status: PowerLine.Status { source.isSimulated ? .simulated : .ok }

  /// One bad reading is nothing to act on; a service that has become stale is, and is said once.
  private func report(_ reason: NoSample) {
    broadcaster.failed(reason)
    switch reason {
    case .first: return
    case .discontinuity, .suspended: return logger.info("\(reason)")
    case .idle, .implausible, .failed: logger.debug("\(reason)")
    }
    guard !hasComplained, broadcaster.isStale || broadcaster.hasNothing else { return }
    hasComplained = true
    logger.warning("There is no fresh reading. \(reason)")
  }

  private func recovered() {
    guard hasComplained else { return }
    hasComplained = false
    logger.info("Readings are fresh again.")
  }
}

extension EnergySnapshot {
  /// As of when the package is known that was read, or has stepped, first.
  fileprivate var firstNanoseconds: Int64 {
    readings.lazy.filter { $0.domain == .package }.map(\.monotonicNanoseconds).min() ?? 0
  }
}

extension NoSample {
  /// Whether a value was set aside that the next reading may settle.
  fileprivate var isOdd: Bool {
    if case .implausible = self { true } else { false }
  }
}
