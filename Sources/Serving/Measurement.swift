public import Logging
public import PowerServer
public import PowerSources
public import RAPL
internal import Synchronization
public import Turbostat

/// The means of measuring: an energy source that the service reads itself, or turbostat.
public enum Measurement {
  /// A source that is read, and its first reading.
  case energy(any EnergySource, name: String, begun: EnergySnapshot)
  /// A program that the service runs.
  case turbostat(Turbostat)

  /// Opens the source that the options name. Nothing is running yet.
  ///
  /// - Parameter passed: the register nodes that the service manager has opened; nil if there are none.
  init(_ options: ServiceOptions, passed: PassedRegisters? = nil, logger: Logger) throws {
    guard let opened = try options.source.open(root: options.root, passed: passed, logger: logger) else {
      self = .turbostat(
        Turbostat(executable: try TurbostatExecutable.choose(options.turbostat), intervalSeconds: options.interval))
      return
    }
    var source = opened.source
    let begun = source.read()
    self = .energy(source, name: opened.name, begun: begun)
  }

  /// What is measured and how, in one readable line.
  public var summary: String {
    switch self {
    case .energy(let source, _, _): source.summary
    case .turbostat(let turbostat): "with turbostat (\(turbostat.executable))"
    }
  }

  /// Whether it starts a program that needs CAP_SYS_RAWIO.
  public var hasChildren: Bool {
    if case .turbostat = self { true } else { false }
  }

  /// Whether it never opens anything again, so that no right is needed from now on.
  public var isOpenForGood: Bool {
    if case .energy(_, SourceChoice.perf.rawValue, _) = self { true } else { false }
  }

  /// Whether it would miss a package that comes online later: turbostat finds one by itself, and a simulated CPU has none.
  public var missesNewPackages: Bool {
    if case .energy(let source, _, _) = self { !source.isSimulated } else { false }
  }

  /// The watch that notices if its counters are replaced.
  func counters(root: String?, passed: PassedRegisters?) -> CounterWatch? {
    if case .energy(let source, _, _) = self { CounterWatch(source, root: root, through: passed) } else { nil }
  }

  /// Makes sure that it measures, if opening it has not shown that already.
  public func check(_ logger: Logger) throws {
    guard case .turbostat(let turbostat) = self else { return }
    try TurbostatCheck(logger).run(turbostat)
  }

  /// How long the first reading may take, in seconds; nil if there is one already.
  public var firstReadingSeconds: Double? {
    if case .turbostat(let turbostat) = self { turbostat.longestSilenceSeconds } else { nil }
  }

  /// The server that serves it, already at work.
  ///
  /// - Parameters:
  ///   - settings: from the options; the source's own settings are added.
  ///   - version: the version of this program.
  ///   - watchdogNanoseconds: how often the service manager expects a report, or nil if it expects none.
  public func server(
    _ sockets: [SocketFile], logger: Logger, settings: ServerSettings, version: String, watchdogNanoseconds: Int64?
  ) -> PowerServer {
    let settings = self.settings(settings, version: version, watchdogNanoseconds: watchdogNanoseconds)
    return switch self {
    case .energy(let source, _, let begun):
      PowerServer(source: source, begun: begun, sockets: sockets, settings: settings, logger: logger)
    case .turbostat: PowerServer(relayingTo: sockets, settings: settings, logger: logger)
    }
  }

  /// The settings of its server.
  func settings(_ settings: ServerSettings, version: String, watchdogNanoseconds: Int64?) -> ServerSettings {
    var settings = settings
    settings.description.version = version
    settings.description.summary = summary
    switch self {
    case .energy(let source, let name, _):
      settings.description.source = name
      settings.description.cpu = source.cpu
      // The service reports to the watchdog when it wakes up, often enough even if a message is lost. Without a watchdog, it should
      // still notice a deleted socket soon.
      let patience = watchdogNanoseconds.map { Double($0) / 3e9 } ?? 60
      settings.updateNanoseconds = source.steps?.periodNanoseconds ?? 0
      settings.longestSleepSeconds = min(source.longestIntervalSeconds, patience)
    case .turbostat(let turbostat):
      settings.description.source = SourceChoice.turbostat.rawValue
      // turbostat's first reading takes an interval, however long that is, and a moment to start.
      settings.patienceSeconds = max(settings.patienceSeconds, turbostat.intervalSeconds + 1)
    }
    return settings
  }

  /// Starts turbostat, if that is the source.
  ///
  /// - Parameter ready: called once there is something to serve: now, or on the server's thread with the first sample.
  public func start(_ server: PowerServer, logger: Logger, ready: @escaping @Sendable () -> Void) -> TurbostatRun? {
    guard case .turbostat(let turbostat) = self else {
      ready()
      return nil
    }
    if let complaint = TurbostatRights.complaint() { logger.warning("\(complaint)") }
    logger.info("Waiting for turbostat's first table.")
    let log = TurbostatLog(logger)
    let isReady = Atomic(false)
    return TurbostatRun(turbostat, on: server.taskExecutor) { event in
      let event = event.forSum
      log.note(event)
      switch event {
      case .sample(let sample, let table):
        server.publish(sample, table.powers)
        let wasReady = isReady.exchange(true, ordering: .relaxed)
        if !wasReady { ready() }
      case .ended: server.lose()
      case .said, .rejected: break
      }
    }
  }
}

extension TurbostatTable {
  /// The watts of its packages and domains, packages first.
  fileprivate var powers: [RelayedPower] {
    PowerDomain.allCases.flatMap { domain in
      packages.compactMap { row in
        guard let package = row.package, let watts = row.watts[domain] else { return nil }
        return (package, domain, watts)
      }
    }
  }
}
