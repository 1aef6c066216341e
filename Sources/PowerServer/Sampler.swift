internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Reads the source at every point of the grid and hands on what comes of it. Lives on the event loop.
///
/// With nobody to hand it to it sleeps, and reads only as often as the counters' wraps need. Whoever comes then gets a
/// fresh window of its own, which begins on a grid that all share too: connecting chooses no window. Whatever everybody
/// gets to know lies between readings that are a shortest window apart; the trusted have readings in between.
final class Sampler: Feed {
  /// What is done at a point.
  private enum Step {
    /// Everybody gets a sample.
    case sample
    /// A look in its sleep.
    case doze
    /// The window of whoever woke it begins.
    case beginWindow
  }

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
  /// When the counters were last read.
  private var lastRead: Int64
  /// The last reading that everybody gets to know of, and when it was made; nil where it began no window.
  private var lastPublic: EnergySnapshot?
  private var lastPublicRead: Int64
  /// The last reading of all domains, and when it was made.
  private var lastFull: EnergySnapshot
  private var lastFullRead: Int64
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
    lastFull = begun
    lastFullRead = start
    grid = SamplingGrid(
      first: start + settings.firstWindow, interval: settings.interval, shortestWindow: settings.shortestWindow)
    wakingGrid = SamplingGrid(first: grid.first, interval: max(settings.firstWindow / 5, 1), shortestWindow: 0)
    trustedGrid = SamplingGrid(first: grid.first, interval: broadcaster.access.trustedStep, shortestWindow: 0)
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
    let begin = wakingGrid.next(after: now)
    if lastPublic != nil, lastPublicRead + settings.shortestWindow > begin {
      // Another reading so soon would be a window too short: the one that the latest reading began is young enough.
      plan(.sample, at: lastPublicRead + settings.firstWindow)
    } else {
      plan(.beginWindow, at: begin)
    }
    arm()
  }

  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    let isAwake = !broadcaster.isAsleep && !isWaking
    broadcaster.streams.subscribe(
      client, to: key, phase: grid.first, start: isAwake ? lastPublic : nil, now: now)
    arm()
  }

  func refresh(for client: ClientHandler) -> Bool {
    guard !broadcaster.isAsleep, !isWaking, !broadcaster.hasNothing, !broadcaster.isStale else { return false }
    if refreshing.isEmpty {
      refreshTime = max(
        trustedGrid.next(after: now), max(lastRefresh, lastPublicRead) + broadcaster.access.trustedStep)
    }
    // Where the latest window has no domains, the latest reading that has them.
    if client.meter == nil, let end = broadcaster.latestEnd {
      client.meter = PowerMeter(start: end.readings.count < lastFull.readings.count ? lastFull : end)
    }
    refreshing.append(client)
    arm()
    return true
  }

  private var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  private func plan(_ step: Step, at time: Int64) {
    self.step = step
    stepTime = time
  }

  /// Waits for whatever comes first.
  private func arm() {
    let earliestPublic = lastPublicRead + settings.shortestWindow
    var time = min(max(stepTime, earliestPublic), refreshTime)
    time = min(time, lastRead + settings.longestGap)
    if let due = broadcaster.streams.due(earliestPublic: earliestPublic) { time = min(time, due) }
    alarm.set(at: time)
  }

  /// A point has come: everybody's, somebody's, or the one at which the counters have to be read.
  private func tick() {
    let now = now
    let earliestPublic = lastPublicRead + settings.shortestWindow
    if now >= stepTime, now >= earliestPublic {
      switch step {
      case .sample: sample()
      case .doze: doze()
      case .beginWindow: beginWindow()
      }
    } else {
      let isPublic = broadcaster.streams.isPublicDue(at: now, earliestPublic: earliestPublic)
      handOut(read(isPublic: isPublic), isPublic: isPublic)
    }
    arm()
  }

  /// At a point of the grid: a sample for everybody.
  private func sample() {
    let snapshot = read(isPublic: true)
    broadcaster.isAsleep = false
    isWaking = false
    switch meter.finish(snapshot) {
    case .window(let window):
      recovered()
      broadcaster.publish(window, status: status, asleepNanoseconds: snapshot.asleepNanoseconds)
    case .none(let reason):
      report(reason)
      broadcaster.noSample()
    }
    handOut(snapshot, isPublic: true)
    broadcaster.isAsleep = broadcaster.isDeserted
    broadcaster.beat()
    if broadcaster.isAsleep {
      plan(.doze, at: now + settings.longestSleep)
    } else {
      plan(.sample, at: grid.next(after: now))
    }
  }

  /// In its sleep: no counter may wrap unseen.
  private func doze() {
    _ = look()
    broadcaster.beat()
    plan(.doze, at: now + settings.longestSleep)
  }

  /// Somebody has come: from here to the next sample goes what they are told.
  private func beginWindow() {
    if look() {
      plan(.sample, at: now + settings.firstWindow)
    } else {
      broadcaster.noSample()
      broadcaster.beat()
      // Whoever came may have given up.
      isWaking = !broadcaster.isDeserted
      if isWaking {
        plan(.beginWindow, at: grid.next(after: now))
      } else {
        plan(.doze, at: now + settings.longestSleep)
      }
    }
  }

  /// Takes a reading in that is not for clients, and gives whether a new window begins with it.
  private func look() -> Bool {
    let snapshot = read(isPublic: true)
    switch meter.finish(snapshot) {
    case .window(let window):
      recovered()
      broadcaster.keep(window, status: status, asleepNanoseconds: snapshot.asleepNanoseconds)
      return true
    case .none(let reason):
      report(reason)
      if !reason.beginsWindow { lastPublic = nil }
      return reason.beginsWindow
    }
  }

  private func read(isPublic: Bool) -> EnergySnapshot {
    // Domains cost a register each, and are for those who ask; a sample that is good for everybody has them.
    let isFull =
      !broadcaster.streams.isEmpty || !refreshing.isEmpty
      || now - lastFullRead >= ServerSettings.shortestPublicWindow - Self.slack
    let snapshot = source.read(domains: isFull)
    lastRead = now
    if isFull {
      lastFull = snapshot
      lastFullRead = lastRead
    }
    if isPublic {
      lastPublic = snapshot
      lastPublicRead = lastRead
    }
    return snapshot
  }

  /// Gives a reading to all who wait for one.
  private func handOut(_ snapshot: EnergySnapshot, isPublic: Bool) {
    broadcaster.deliver(snapshot, now: lastRead, isPublic: isPublic, status: status)
    guard lastRead >= refreshTime else { return }
    let clients = refreshing
    refreshing = []
    refreshTime = .max
    lastRefresh = lastRead
    for client in clients { broadcaster.answerFresh(snapshot, to: client, status: status) }
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
