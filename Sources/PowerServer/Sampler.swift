internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Reads the source at every point of the grid and hands on what comes of it. Lives on the event loop.
///
/// With nobody to hand it to it sleeps, and reads only as often as the counters' wraps need. Whoever comes then gets a
/// fresh window of its own, which begins on a grid that all share too: connecting chooses no window.
final class Sampler: Feed {
  private var source: any EnergySource
  private var meter = PowerMeter()
  private let grid: SamplingGrid
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var next: Scheduled<Void>?
  private var hasComplained = false
  private var isWaking = false
  private let settings: ServerSettings
  /// Where windows for those who wake it begin: closer points, of which the grid's are some. Half a window apart, so that a
  /// line comes within 375 ms: the documented probe by socat gives up after 500.
  private let wakingGrid: SamplingGrid

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
    grid = SamplingGrid(
      first: start + settings.firstWindow, interval: settings.interval, shortestWindow: settings.shortestWindow)
    wakingGrid = SamplingGrid(first: grid.first, interval: max(settings.firstWindow / 2, 1), shortestWindow: 0)
    _ = meter.measure(begun)
  }

  func start() {
    schedule(grid.first, sample)
  }

  func stop() {
    next?.cancel()
  }

  func wake() {
    guard broadcaster.isAsleep, !isWaking else { return }
    isWaking = true
    next?.cancel()
    schedule(wakingGrid.next(after: now), beginWindow)
  }

  private var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  private func schedule(_ time: Int64, _ step: @escaping () -> Void) {
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(time, 0)))
    next = eventLoop.assumeIsolated().scheduleTask(deadline: deadline, step)
  }

  /// At a point of the grid: a sample for everybody.
  private func sample() {
    let snapshot = source.read()
    broadcaster.isAsleep = false
    isWaking = false
    switch meter.measure(snapshot) {
    case .sample(let sample):
      recovered()
      broadcaster.publish(sample, status: status, asleepNanoseconds: snapshot.asleepNanoseconds)
    case .none(let reason):
      report(reason)
      broadcaster.noSample()
    }
    broadcaster.isAsleep = broadcaster.isDeserted
    broadcaster.beat()
    if broadcaster.isAsleep {
      schedule(now + settings.longestSleep, doze)
    } else {
      schedule(grid.next(after: now), sample)
    }
  }

  /// In its sleep: no counter may wrap unseen.
  private func doze() {
    _ = look()
    broadcaster.beat()
    schedule(now + settings.longestSleep, doze)
  }

  /// Somebody has come: from here to the next sample goes what they are told.
  private func beginWindow() {
    if look() {
      schedule(now + settings.firstWindow, sample)
    } else {
      broadcaster.noSample()
      broadcaster.beat()
      // Whoever came may have given up.
      isWaking = !broadcaster.isDeserted
      if isWaking { schedule(grid.next(after: now), beginWindow) } else { schedule(now + settings.longestSleep, doze) }
    }
  }

  /// Takes a reading in that is not for clients, and gives whether a new window begins with it.
  private func look() -> Bool {
    switch meter.measure(source.read()) {
    case .sample(let sample):
      recovered()
      broadcaster.keep(sample, status: status)
      return true
    case .none(let reason):
      report(reason)
      return reason.beginsWindow
    }
  }

  private var status: PowerLine.Status { source.isSimulated ? .simulated : .ok }

  /// One bad reading is nothing to act on; a service that has become stale is, and is said once.
  private func report(_ reason: NoSample) {
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
