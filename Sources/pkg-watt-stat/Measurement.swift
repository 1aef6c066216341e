internal import Logging
internal import PowerServer
internal import PowerSources
internal import RAPL
internal import Turbostat

/// What the service measures with: an energy source that it reads itself, or turbostat.
enum Measurement {
  case energy(any EnergySource, begun: EnergySnapshot)
  case turbostat(Turbostat)

  /// Opens what the options ask for. Nothing is running yet.
  init(_ options: ServeOptions, logger: Logger) throws {
    guard var source = try options.source.open(root: options.root, logger: logger) else {
      self = .turbostat(Turbostat(executable: try options.turbostatPath(), intervalSeconds: options.interval))
      return
    }
    let begun = source.read()
    try options.checkInterval(against: source)
    self = .energy(source, begun: begun)
  }

  /// What is measured and how, in one line for a person.
  var summary: String {
    switch self {
    case .energy(let source, _): source.summary
    case .turbostat(let turbostat): "by turbostat (\(turbostat.executable))"
    }
  }

  /// Whether a program is started that needs CAP_SYS_RAWIO itself.
  var hasChildren: Bool {
    if case .turbostat = self { true } else { false }
  }

  /// Whether a package that comes later is missed: turbostat looks for itself, and no simulated CPU grows.
  var missesNewPackages: Bool {
    if case .energy(let source, _) = self { !source.isSimulated } else { false }
  }

  /// Makes sure that it measures, where opening it has not shown that already.
  func check(_ logger: Logger) throws(TurbostatEnd) {
    guard case .turbostat(let turbostat) = self else { return }
    if let end = TurbostatCheck(logger).failure(of: turbostat) { throw end }
  }

  /// The server that serves it, already at work.
  ///
  /// - Parameter watchdogNanoseconds: how often the service manager wants to hear of it, or nil where it does not.
  func server(
    _ sockets: [SocketFile], logger: Logger, intervalSeconds: Double, watchdogNanoseconds: Int64?,
    onPulse: @escaping @Sendable (ServerPulse) -> Void
  ) -> PowerServer {
    var settings = ServerSettings(intervalSeconds: intervalSeconds)
    settings.onPulse = onPulse
    switch self {
    case .energy(let source, let begun):
      // The watchdog hears of it when it wakes, soon enough for a message that is lost.
      let patience = watchdogNanoseconds.map { Double($0) / 3e9 } ?? .infinity
      settings.longestSleepSeconds = min(source.longestIntervalSeconds, patience)
      return PowerServer(source: source, begun: begun, sockets: sockets, settings: settings, logger: logger)
    case .turbostat:
      // turbostat's first reading takes an interval, however long that is, and a moment to start.
      settings.patienceSeconds = max(settings.patienceSeconds, intervalSeconds + 1)
      return PowerServer(relayingTo: sockets, settings: settings, logger: logger)
    }
  }

  /// Starts what delivers samples to the server from outside of it.
  func start(_ server: PowerServer, logger: Logger) -> TurbostatRun? {
    guard case .turbostat(let turbostat) = self else { return nil }
    if let complaint = TurbostatRights.complaint() { logger.warning("\(complaint)") }
    let log = TurbostatLog(logger)
    return TurbostatRun(turbostat, on: server.taskExecutor) { event in
      log.note(event)
      switch event {
      case .sample(let sample, _): server.publish(sample)
      case .ended: server.lose()
      case .said, .rejected: break
      }
    }
  }
}
