internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Reads the source at every point of the grid and hands on what comes of it. Lives on the event loop.
final class Sampler: Feed {
  private var source: any EnergySource
  private var meter = PowerMeter()
  private let grid: SamplingGrid
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var next: Scheduled<Void>?
  private var hasComplained = false

  /// Begins the first window.
  init(
    source: any EnergySource, begun: EnergySnapshot, settings: ServerSettings, broadcaster: Broadcaster,
    eventLoop: any EventLoop, logger: Logger
  ) {
    self.source = source
    self.broadcaster = broadcaster
    self.eventLoop = eventLoop
    self.logger = logger
    let start = begun.readings.map(\.monotonicNanoseconds).max() ?? 0
    grid = SamplingGrid(
      first: start + settings.firstWindow, interval: settings.interval, shortestWindow: settings.shortestWindow)
    _ = meter.measure(begun)
  }

  func start() {
    schedule(grid.first)
  }

  func stop() {
    next?.cancel()
  }

  private func schedule(_ time: Int64) {
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(time, 0)))
    next = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
      self?.sample()
      self?.schedule(self?.grid.next(after: Int64(NIODeadline.now().uptimeNanoseconds)) ?? time)
    }
  }

  private func sample() {
    let snapshot = source.read()
    switch meter.measure(snapshot) {
    case .sample(let sample):
      recovered()
      broadcaster.publish(
        sample, status: source.isSimulated ? .simulated : .ok, asleepNanoseconds: snapshot.asleepNanoseconds)
    case .none(let reason):
      report(reason)
      broadcaster.noSample()
    }
    broadcaster.beat()
  }

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
