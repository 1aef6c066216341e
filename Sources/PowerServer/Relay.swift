internal import CMSRShim
internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Passes on the samples of another program, and reports when there are none. Lives on the event loop.
///
/// Samples arrive at any time, but clients expect some time between lines, so a sample that comes just after another line waits. A
/// sample that is already stale waits for a fresh one. Samples that wait are sent as one, over the time of all.
final class Relay: Feed {
  private let settings: ServerSettings
  private var streams: SampleStreams
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var energy = RelayedEnergy()
  private var lastLine = Int64.min
  private var waiting: PowerWindow?
  private var nextTick: Scheduled<Void>?
  private var nextSample: Scheduled<Void>?

  init(settings: ServerSettings, broadcaster: Broadcaster, eventLoop: any EventLoop, logger: Logger) {
    self.logger = logger
    self.settings = settings
    streams = SampleStreams(settings, trustedStep: broadcaster.access.trustedStep)
    self.broadcaster = broadcaster
    self.eventLoop = eventLoop
  }

  func start() {
    nextTick = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(settings.interval)) { [weak self] in
      self?.tick()
      self?.start()
    }
  }

  func stop() {
    nextTick?.cancel()
    nextSample?.cancel()
  }

  func add(_ client: ClientHandler) {
    // The other program never sleeps, so the latest sample is the present one.
    broadcaster.add(client, tellsLatest: true)
  }

  func remove(_ client: ClientHandler) {
    unsubscribe(client)
    _ = broadcaster.remove(client)
  }

  /// Streams have their points at the samples, and take samples that are a little early.
  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    unsubscribe(client)
    let now = cmsr_monotonic_nanoseconds()
    streams.begin(
      key, phase: lastLine == .min ? now : lastLine, start: broadcaster.latest?.window.end, now: now - earliness)
    broadcaster.subscribe(client, to: key)
  }

  func unsubscribe(_ client: ClientHandler) {
    if let ended = broadcaster.unsubscribe(client) { streams.end(ended) }
  }

  private var earliness: Int64 { settings.interval / 4 }

  /// The samples have the domains that the other program gives.
  func sampleAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer { .latest }

  /// Requests for a reading are not possible here.
  func freshAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer { .latest }

  /// Passes on a sample.
  func publish(_ sample: PowerSample, _ powers: [RelayedPower]) {
    guard let added = energy.add(sample, powers) else { return }
    let window = waiting?.joined(by: added) ?? added
    waiting = window
    let now = cmsr_monotonic_nanoseconds()
    guard nextSample == nil, now &- window.sample.endMonotonicNanoseconds <= settings.staleAge else { return }
    let wait = lastLine == .min ? 0 : lastLine + settings.shortestWindow - now
    if wait <= 0 { return send(window) }
    nextSample = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) { [weak self] in
      guard let self else { return }
      self.nextSample = nil
      if let window = self.waiting { self.send(window) }
    }
  }

  /// The other program has failed: until the next sample, the latest is stale, however young.
  func lose() {
    broadcaster.expire()
  }

  private func send(_ window: PowerWindow) {
    waiting = nil
    lastLine = cmsr_monotonic_nanoseconds()
    if let line = PowerLine(window.sample, status: .ok) {
      let asleep = window.end.asleepNanoseconds
      broadcaster.take(
        window, line, staleFrom: window.sample.endMonotonicNanoseconds + asleep + settings.staleAge,
        asleepNanoseconds: asleep)
      broadcaster.send(line)
    } else {
      logger.error("A sample of \(window.sample.watts) W was dropped: no line can represent it.")
      broadcaster.noSample()
    }
    handOut(window.end)
  }

  /// Gives subscribers their windows at their points, or reports that the latest sample is stale.
  private func handOut(_ snapshot: EnergySnapshot?) {
    broadcaster.send(
      streams.take(
        snapshot, now: lastLine + earliness, isPublic: true,
        stale: broadcaster.isStale ? broadcaster.latest?.window : nil), status: .ok)
  }

  private func tick() {
    defer { broadcaster.pulse(isAsleep: false) }
    let now = cmsr_monotonic_nanoseconds()
    guard broadcaster.isStale, nextSample == nil, lastLine <= now - settings.shortestWindow else { return }
    lastLine = now
    broadcaster.noSample()
    handOut(nil)
  }
}
