internal import CMSRShim
internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Hands lines to every client, and the latest one to whoever connects. Lives on the event loop.
///
/// A client that does not read costs what its socket buffer holds: a line that does not fit is dropped whole.
final class Broadcaster {
  struct Latest {
    let window: MeasuredWindow
    let line: PowerLine
    /// When its window ended, in nanoseconds of the clock that goes on while the machine sleeps.
    let time: Int64
  }

  /// Who may know how much.
  let access: AccessPolicy
  /// The subscriptions.
  let streams: StreamBoard
  /// What was drawn lately.
  private(set) var history = PowerHistory()
  private let settings: ServerSettings
  private let logger: Logger
  private var clients: [ClientHandler] = []
  private(set) var latest: Latest?
  /// The mean over the latest sleep, for whoever asks how the service is.
  private var slept: PowerLine?
  /// How many samples there were.
  private(set) var sequence = 0
  /// Why there was no sample, since the latest one.
  private(set) var failure: NoSample?
  /// Who waits for the next sample.
  var waiting: [ClientHandler] = []

  /// Told when a client comes and finds the service asleep.
  var wake: () -> Void = {}
  /// Told when the last client has left.
  var rest: () -> Void = {}
  /// Told at each point of the grid, and when the service looks at the counters in its sleep.
  var tend: () -> Void = {}
  /// Whether nobody samples until somebody comes: nothing that was sampled before is fresh then.
  var isAsleep = false

  init(settings: ServerSettings, access: AccessPolicy, logger: Logger) {
    self.settings = settings
    self.access = access
    streams = StreamBoard(settings, trustedStep: access.trustedStep)
    self.logger = logger
  }

  /// Whether what delivers samples has failed since the latest one.
  var isLost = false

  /// A fresh sample, and how long the machine has slept since it was started.
  ///
  /// - Parameter coversSleep: whether it is the mean over a time in which the service slept.
  func publish(
    _ window: MeasuredWindow, status: PowerLine.Status, asleepNanoseconds asleep: Int64, coversSleep: Bool = false
  ) {
    guard let line = PowerLine(window.sample, status: status) else {
      logger.error("A sample of \(window.sample.watts) W is left out: no line can hold it.")
      return noSample()
    }
    isLost = false
    failure = nil
    sequence += 1
    let time = window.sample.endMonotonicNanoseconds + asleep
    latest = Latest(window: window, line: line, time: time)
    history.add(window, end: time, asleep: coversSleep)
    send(line)
    if !waiting.isEmpty { answerWaiting() }
  }

  /// A point of the grid went by without a sample: once the latest is too old, everybody is told so.
  func noSample() {
    if isStale, let latest {
      send(latest.line.with(status: .stale))
    } else if let bytes = latest?.line.encoded {
      // They woke the service, and were told nothing yet.
      for client in clients where client.silentUntil == 0 { deliver(bytes, to: client, now: Self.now) }
    }
    if !waiting.isEmpty { answerWaiting() }
  }

  /// A point of the grid went by, and the counters have not stepped since the latest sample: that is what there is, as long as
  /// it is not too old.
  func repeatLatest() {
    guard !isStale, let line = latest?.line else { return noSample() }
    send(line)
    if !waiting.isEmpty { answerWaiting() }
  }

  /// Why there was no sample.
  func failed(_ reason: NoSample) {
    failure = reason
  }

  /// Whether the latest sample is older than 2.5 intervals, or its source has failed; false where there was none.
  var isStale: Bool {
    guard let latest else { return false }
    return isLost || cmsr_boottime_nanoseconds() - latest.time > settings.staleAge
  }

  /// Whether anybody is connected.
  var hasClients: Bool { !clients.isEmpty }

  /// The mean over a time asleep: nothing for clients.
  func keep(_ window: MeasuredWindow, status: PowerLine.Status, asleepNanoseconds asleep: Int64) {
    slept = PowerLine(window.sample, status: status)
    history.add(window, end: window.sample.endMonotonicNanoseconds + asleep, asleep: true)
  }

  /// Whether there never was a sample.
  var hasNothing: Bool { latest == nil }

  /// What the latest sample ended with.
  var latestEnd: EnergySnapshot? { latest?.window.end }

  /// What the latest sample consisted of.
  var packages: [ServiceInfo.Package] { latest?.window.end.packages ?? [] }

  /// Tells whoever wants to know that another point of the grid went by.
  func beat() {
    tend()
    settings.onPulse(
      ServerPulse(line: isAsleep ? slept ?? current : current, clients: clients.count, isAsleep: isAsleep))
  }

  func closeAll() {
    for client in clients { client.close() }
  }

  func add(_ client: ClientHandler) {
    client.place = clients.count
    clients.append(client)
    logger.debug("A client connected; clients: \(clients.count).")
    if isAsleep { wake() }
    guard let current else {
      closeIfNothingComes(client)
      return
    }
    // What was measured before the service fell asleep, or while it slept, is no answer to whoever woke it.
    guard !isAsleep || isYoung else { return }
    deliver(current.encoded, to: client, now: Self.now)
  }

  func remove(_ client: ClientHandler) {
    guard let place = client.place else { return }
    client.place = nil
    streams.unsubscribe(client)
    waiting.removeAll { $0 === client }
    let last = clients.removeLast()
    if last !== client {
      clients[place] = last
      last.place = place
    }
    logger.debug("A client has gone; clients: \(clients.count).")
    if clients.isEmpty { rest() }
  }

  /// Whether the latest sample is what a service that is awake would give.
  var isYoung: Bool {
    guard let latest, !isLost else { return false }
    return cmsr_boottime_nanoseconds() - latest.time <= max(settings.interval, settings.updateNanoseconds)
  }

  /// The latest line as it is to be said now.
  private var current: PowerLine? {
    latest.map { isStale ? $0.line.with(status: .stale) : $0.line }
  }

  private static var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  private func send(_ line: PowerLine) {
    let bytes = line.encoded
    let now = Self.now
    // Whoever has thousands of connections makes nobody else wait for their lines.
    for isSmall in [true, false] {
      for client in clients where client.share.isSmall == isSmall && now >= client.silentUntil {
        deliver(bytes, to: client, now: now)
      }
    }
  }

  private func deliver(_ bytes: [UInt8], to client: ClientHandler, now: Int64) {
    if client.silentUntil == 0 { client.silentUntil = now + settings.silence }
    client.send(bytes)
  }

  /// A service that never had a good reading says so by closing; clients show that as "no data".
  private func closeIfNothingComes(_ client: ClientHandler) {
    client.schedule(after: .nanoseconds(settings.patience)) { [weak self, weak client] in
      guard let self, let client, self.latest == nil else { return }
      self.answerWaiting()
      client.close()
    }
  }
}
