internal import CMSRShim
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Hands on the samples that somebody else takes, and says when there are none. Lives on the event loop.
///
/// Samples come when they come, but clients expect lines apart: one that comes right behind another line waits. So does one
/// that is stale when it comes, for a fresh one behind it. Those that wait are sent as one, over the time of all.
final class Relay: Feed {
  private let settings: ServerSettings
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private var energy = RelayedEnergy()
  private var lastLine = Int64.min
  private var waiting: MeasuredWindow?
  private var nextTick: Scheduled<Void>?
  private var nextSample: Scheduled<Void>?

  init(settings: ServerSettings, broadcaster: Broadcaster, eventLoop: any EventLoop) {
    self.settings = settings
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

  /// Whoever takes the samples never sleeps.
  func wake() {}
  func rest() {}

  /// Streams have their points where samples come, and take those that are a little early.
  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    let now = cmsr_monotonic_nanoseconds()
    broadcaster.streams.subscribe(
      client, to: key, phase: lastLine == .min ? now : lastLine, start: broadcaster.latestEnd, now: now - earliness)
  }

  private var earliness: Int64 { settings.interval / 4 }

  /// What comes has the domains that it has.
  func wantDomains() {}

  /// Nobody can ask for a reading here.
  func refresh(for client: ClientHandler) -> Bool { false }

  /// Hands on a sample.
  func publish(_ relayed: RelayedSample) {
    guard let added = energy.add(relayed) else { return }
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

  /// Whoever takes the samples has failed: until the next one, the latest is stale, however young.
  func lose() {
    broadcaster.isLost = true
  }

  private func send(_ window: MeasuredWindow) {
    waiting = nil
    lastLine = cmsr_monotonic_nanoseconds()
    broadcaster.publish(window, status: .ok, asleepNanoseconds: window.end.asleepNanoseconds)
    broadcaster.deliver(window.end, now: lastLine + earliness, isPublic: true, status: .ok)
  }

  private func tick() {
    defer { broadcaster.beat() }
    let now = cmsr_monotonic_nanoseconds()
    guard broadcaster.isStale, nextSample == nil, lastLine <= now - settings.shortestWindow else { return }
    lastLine = now
    broadcaster.noSample()
    broadcaster.deliver(nil, now: now + earliness, isPublic: true, status: .stale)
  }
}
