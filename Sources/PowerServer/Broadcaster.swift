internal import CMSRShim
internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Hands lines to every client, and the latest one to whoever connects. Lives on the event loop.
///
/// A client that does not read costs what its socket buffer holds: a line that does not fit is dropped whole.
final class Broadcaster {
  private struct Latest {
    let line: PowerLine
    /// When its window ended, in nanoseconds of the clock that goes on while the machine sleeps.
    let time: Int64
  }

  private let settings: ServerSettings
  private let logger: Logger
  private var clients: [ClientHandler] = []
  private var latest: Latest?
  /// Since when there has been no client, in monotonic nanoseconds.
  private var desertedSince: Int64? = .min
  /// The mean over the latest sleep, for whoever asks how the service is.
  private var slept: PowerLine?

  /// Told when a client comes and finds the service asleep.
  var wake: () -> Void = {}
  /// Whether nobody samples until somebody comes: nothing that was sampled before is fresh then.
  var isAsleep = false

  init(settings: ServerSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Whether what delivers samples has failed since the latest one.
  var isLost = false

  /// A fresh sample, and how long the machine has slept since it was started.
  func publish(_ sample: PowerSample, status: PowerLine.Status, asleepNanoseconds asleep: Int64) {
    guard let line = PowerLine(sample, status: status) else {
      logger.error("A sample of \(sample.watts) W is left out: no line can hold it.")
      return noSample()
    }
    isLost = false
    latest = Latest(line: line, time: sample.endMonotonicNanoseconds + asleep)
    send(line)
  }

  /// A point of the grid went by without a sample: once the latest is too old, everybody is told so.
  func noSample() {
    if isStale, let latest { send(latest.line.with(status: .stale)) }
  }

  /// Whether the latest sample is older than 2.5 intervals, or its source has failed; false where there was none.
  var isStale: Bool {
    guard let latest else { return false }
    return isLost || cmsr_boottime_nanoseconds() - latest.time > settings.staleAge
  }

  /// Whether the last client has been gone for so long that sampling goes on for nobody.
  var isDeserted: Bool {
    guard let desertedSince else { return false }
    return desertedSince == .min || Self.now - desertedSince >= settings.linger
  }

  /// The mean over a time asleep: nothing for clients.
  func keep(_ sample: PowerSample, status: PowerLine.Status) {
    slept = PowerLine(sample, status: status)
  }

  /// Whether there never was a sample.
  var hasNothing: Bool { latest == nil }

  /// Tells whoever wants to know that another point of the grid went by.
  func beat() {
    settings.onPulse(
      ServerPulse(line: isAsleep ? slept ?? current : current, clients: clients.count, isAsleep: isAsleep))
  }

  func closeAll() {
    for client in clients { client.close() }
  }

  func add(_ client: ClientHandler) {
    client.place = clients.count
    clients.append(client)
    desertedSince = nil
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
    let last = clients.removeLast()
    if last !== client {
      clients[place] = last
      last.place = place
    }
    if clients.isEmpty { desertedSince = Self.now }
    logger.debug("A client has gone; clients: \(clients.count).")
  }

  /// Whether the latest sample is what a service that is awake would give.
  private var isYoung: Bool {
    guard let latest, !isLost else { return false }
    return cmsr_boottime_nanoseconds() - latest.time <= settings.interval
  }

  /// The latest line as it is to be said now.
  private var current: PowerLine? {
    latest.map { isStale ? $0.line.with(status: .stale) : $0.line }
  }

  private static var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  private func send(_ line: PowerLine) {
    let bytes = line.encoded
    let now = Self.now
    for client in clients where now >= client.silentUntil {
      deliver(bytes, to: client, now: now)
    }
  }

  private func deliver(_ bytes: [UInt8], to client: ClientHandler, now: Int64) {
    if client.silentUntil == 0 { client.silentUntil = now + settings.silence }
    client.send(bytes)
  }

  /// A service that never had a good reading says so by closing; clients show that as "no data".
  private func closeIfNothingComes(_ client: ClientHandler) {
    client.schedule(after: .nanoseconds(settings.patience)) { [weak self, weak client] in
      if let self, let client, self.latest == nil { client.close() }
    }
  }
}
