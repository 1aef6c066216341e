internal import CMSRShim
internal import Formatting
internal import Glibc
internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// Sends lines to every client, and samples to the clients that asked for them. Lives on the event loop.
///
/// A client that does not read costs only the content of its socket buffer: a line that does not fit is dropped whole.
final class Broadcaster {
  struct Latest {
    let window: PowerWindow
    let line: PowerLine
    /// The boot time after which it is stale.
    var staleFrom: Int64
    let sequence: Int
  }

  /// How finely each client may know energy.
  let access: AccessPolicy
  /// The history.
  private(set) var history = PowerHistory()
  private let settings: ServerSettings
  private let logger: Logger
  private var clients: [ClientHandler] = []
  private var subscribers: [SampleStream.Key: [ClientHandler]] = [:]
  private(set) var latest: Latest?
  /// The mean over the latest sleep, for the service's status.
  private var slept: PowerLine?
  /// The number of samples so far; fresh ones do not count.
  private(set) var sequence = 0
  /// Why there was no sample since the latest one.
  private(set) var failure: NoSample?
  /// The clients that wait for the next sample, and whether with domains.
  private var waiting: [(client: ClientHandler, domains: Bool)] = []
  /// The clients that wait for a window with domains.
  private var waitingForDomains: [ClientHandler] = []
  /// Called with the state of the service.
  private let onPulse: (ServerPulse) -> Void

  /// - Parameter onPulse: called at each point of the grid, and at each reading while the service sleeps.
  init(settings: ServerSettings, access: AccessPolicy, logger: Logger, onPulse: @escaping (ServerPulse) -> Void) {
    self.settings = settings
    self.access = access
    self.logger = logger
    self.onPulse = onPulse
  }

  // MARK: - Results of the feed

  /// Takes a fresh sample, for later clients and for the history.
  ///
  /// - Parameters:
  ///   - staleFrom: the boot time after which it is stale.
  ///   - asleep: how long the machine has been suspended since it was started.
  ///   - coversSleep: whether it is the mean over a time in which the service slept.
  func take(
    _ window: PowerWindow, _ line: PowerLine, staleFrom: Int64, asleepNanoseconds asleep: Int64,
    coversSleep: Bool = false
  ) {
    failure = nil
    sequence += 1
    latest = Latest(window: window, line: line, staleFrom: staleFrom, sequence: sequence)
    history.add(window, end: window.sample.endMonotonicNanoseconds + asleep, asleep: coversSleep)
  }

  /// Sends a line to every client, and answers those that wait for the next sample.
  func send(_ line: PowerLine) {
    let now = cmsr_monotonic_nanoseconds()
    // A user with thousands of connections must not make others wait for their lines.
    for isSmall in [true, false] {
      for client in clients where client.share.isSmall == isSmall {
        client.send(line.encoded, publiclyAt: now, silence: settings.silence)
      }
    }
    answerWaiting()
  }

  /// A point of the grid passed without a sample: once the latest is too old, every client gets it as stale.
  func noSample() {
    if isStale, let latest { return send(latest.line.with(status: .stale)) }
    if let latest {
      // They woke the service, and got nothing yet.
      let now = cmsr_monotonic_nanoseconds()
      for client in clients where client.awaitsFirstLine {
        client.send(latest.line.encoded, publiclyAt: now, silence: settings.silence)
      }
    }
    answerWaiting()
  }

  /// A point of the grid passed, and the counters have not stepped since the latest sample, which is sent again.
  func repeatLatest() {
    if let latest { send(latest.line) } else { answerWaiting() }
  }

  /// Remembers why there was no sample.
  func failed(_ reason: NoSample) {
    failure = reason
  }

  /// The latest sample is stale from now on, however young it is.
  func expire() {
    latest?.staleFrom = .min
  }

  /// Takes the mean over a time asleep, which is not sent to clients.
  func keep(_ window: PowerWindow, _ line: PowerLine?, asleepNanoseconds asleep: Int64) {
    slept = line
    history.add(window, end: window.sample.endMonotonicNanoseconds + asleep, asleep: true)
  }

  /// Reports that another point of the grid passed.
  func pulse(isAsleep: Bool) {
    onPulse(ServerPulse(line: isAsleep ? slept ?? current : current, clients: clients.count, isAsleep: isAsleep))
  }

  // MARK: - The latest sample

  /// Whether the latest sample is too old, or its source has failed; false if there was none.
  var isStale: Bool { latest.map { cmsr_boottime_nanoseconds() > $0.staleFrom } ?? false }

  /// The latest line, with its present status.
  private var current: PowerLine? {
    latest.map { isStale ? $0.line.with(status: .stale) : $0.line }
  }

  // MARK: - Clients

  /// A client has connected.
  ///
  /// - Parameter tellsLatest: whether it gets the latest line at once; otherwise it waits for the next.
  func add(_ client: ClientHandler, tellsLatest: Bool) {
    client.move(to: clients.count)
    clients.append(client)
    logger.debug("A client connected; \(clients.count) clients.")
    if let current {
      guard tellsLatest else { return }
      client.send(current.encoded, publiclyAt: cmsr_monotonic_nanoseconds(), silence: settings.silence)
    } else {
      closeIfNothingComes(client)
    }
  }

  /// A client has disconnected.
  ///
  /// - Returns: whether it was connected.
  func remove(_ client: ClientHandler) -> Bool {
    guard let place = client.place else { return false }
    client.move(to: nil)
    waiting.removeAll { $0.client === client }
    waitingForDomains.removeAll { $0 === client }
    // The last one takes its place, which saves a search among thousands.
    let last = clients.removeLast()
    if last !== client {
      clients[place] = last
      last.move(to: place)
    }
    logger.debug("A client disconnected; \(clients.count) clients.")
    return true
  }

  /// Closes all connections. Those that came as the service was told to end, or that woke it, get the latest line first.
  /// So nobody is left without an answer when the service restarts.
  func closeAll() {
    let now = cmsr_monotonic_nanoseconds()
    for client in clients {
      if client.awaitsFirstLine, let current {
        client.send(current.encoded, publiclyAt: now, silence: settings.silence)
      }
      client.close()
    }
  }

  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    subscribers[key, default: []].append(client)
    client.subscribed(to: key)
  }

  /// Ends a client's subscription.
  ///
  /// - Returns: the stream, if this was its last subscriber.
  func unsubscribe(_ client: ClientHandler) -> SampleStream.Key? {
    guard let key = client.subscription else { return nil }
    client.unsubscribed()
    subscribers[key]?.removeAll { $0 === client }
    guard subscribers[key]?.isEmpty ?? true else { return nil }
    subscribers[key] = nil
    return key
  }

  /// Sends samples to the subscribers of their streams.
  func send(_ samples: [StreamedSample], status: PowerLine.Status) {
    for sample in samples {
      let bytes = report(
        sample.window, sample.sequence, sample.isStale ? .stale : status, reason: sample.isStale ? failureReason : nil,
        trusted: sample.key.isTrusted, domains: sample.key.hasDomains
      ).line
      for client in subscribers[sample.key] ?? [] { client.send(bytes) }
    }
  }

  /// Answers a client as soon as there is another sample, or it is certain that there is none.
  func answerNext(_ client: ClientHandler, domains: Bool) {
    waiting.append((client, domains))
  }

  /// Answers a client as soon as there is a window with domains.
  func answerWithDomains(_ client: ClientHandler) {
    waitingForDomains.append(client)
  }

  /// Those who wait for the next sample, with domains, wait for a window that has them.
  func awaitDomains() {
    waitingForDomains += waiting.lazy.filter(\.domains).map(\.client)
    waiting.removeAll(where: \.domains)
  }

  /// Whether any client waits for domains.
  var awaitsDomains: Bool { !waitingForDomains.isEmpty || waiting.contains(where: \.domains) }

  /// Answers those who wait for domains, with a window that was made for them, or else with the latest sample.
  func answerDomains(_ window: PowerWindow?, status: PowerLine.Status) {
    let clients = waitingForDomains
    waitingForDomains = []
    // It is a sample like those at the service's own points, so it has a number of its own.
    if window != nil { sequence += 1 }
    for client in clients {
      client.answer { [self, sequence] in
        window.map { report($0, sequence, status, trusted: client.isTrusted, domains: true) }
          ?? latestReport(trusted: client.isTrusted, domains: true) ?? RequestError.noReading.json
      }
    }
  }

  /// Answers a client that asked for a reading of its own: over the time since its latest one.
  ///
  /// - Parameters:
  ///   - domains: whether it asked for domains too.
  ///   - isBetweenSteps: whether the latest sample is the freshest possible if the counters have not moved.
  func answerFresh(
    _ snapshot: EnergySnapshot, to client: ClientHandler, domains: Bool, status: PowerLine.Status, isBetweenSteps: Bool
  ) {
    let result = client.measure(snapshot)
    client.answer { [self, sequence] in
      switch result {
      case .window(let window): report(window, sequence, status, trusted: true, domains: domains)
      case .none(.idle) where isBetweenSteps:
        latestReport(trusted: true, domains: domains) ?? RequestError.noReading.json
      case .none(let reason):
        latestReport(trusted: true, domains: domains, failure: reason) ?? RequestError.noReading.json
      }
    }
  }

  /// The latest sample as an answer, with its present status.
  ///
  /// - Parameters:
  ///   - domains: whether with domains.
  ///   - fresh: why a reading that was made for the client cannot be used.
  func latestReport(trusted: Bool, domains: Bool, failure fresh: NoSample? = nil) -> JSON? {
    guard let latest else { return nil }
    let isStale = isStale || fresh != nil
    return report(
      latest.window, latest.sequence, isStale ? .stale : latest.line.status,
      reason: isStale ? fresh.map { "\($0)" } ?? failureReason : nil, trusted: trusted, domains: domains)
  }

  private func report(
    _ window: PowerWindow, _ sequence: Int, _ status: PowerLine.Status, reason: String? = nil, trusted: Bool,
    domains: Bool
  ) -> JSON {
    window.report(
      sequence: sequence, status: status, reason: reason, policy: access.policy(trusted: trusted), domains: domains,
      cost: .ofThisProcess
    ).json
  }

  private var failureReason: String { failure.map { "\($0)" } ?? "The source gives no readings." }

  private func answerWaiting() {
    if waiting.isEmpty { return }
    let clients = waiting
    waiting = []
    for (client, domains) in clients {
      client.answer { [self] in latestReport(trusted: client.isTrusted, domains: domains) ?? RequestError.noReading.json
      }
    }
  }

  /// Closes the connection if the service never had a good reading; clients show that as "no data".
  private func closeIfNothingComes(_ client: ClientHandler) {
    client.schedule(after: .nanoseconds(settings.patience)) { [weak self, weak client] in
      guard let self, let client, self.latest == nil else { return }
      self.answerWaiting()
      client.close()
    }
  }
}

extension SampleReport.Cost {
  /// The cost of this process so far, of all its threads.
  fileprivate static var ofThisProcess: Self {
    var usage = rusage()
    // It cannot fail: the process is our own.
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    let microseconds = seconds * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return Self(cpuSeconds: Double(microseconds) / 1e6, wakeups: usage.ru_nvcsw)
  }
}
