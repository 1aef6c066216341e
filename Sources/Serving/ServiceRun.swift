internal import CMSRShim
public import Logging
internal import PowerServer
internal import PowerSources
internal import Privileges
internal import ServiceManager
internal import Turbostat

/// The life of a service. Its order is that of its rights: what needs them is opened first, then they are given up, and only then
/// is there a second thread and a client.
public struct ServiceRun {
  private let options: ServiceOptions
  private let version: String
  private let logger: Logger
  private let onReady: @Sendable () -> Void
  var system = ServiceSystem()

  /// - Parameters:
  ///   - version: the version of this program.
  ///   - onReady: called once clients are served.
  public init(
    _ options: ServiceOptions, version: String, logger: Logger, onReady: @escaping @Sendable () -> Void = {}
  ) {
    self.onReady = onReady
    self.options = options
    self.version = version
    self.logger = logger
  }

  /// Only finds out whether this machine can be measured.
  ///
  /// - Returns: what is measured and how, in one readable line.
  /// - Throws: why it cannot be measured; `EndedBySignal`.
  public func check() throws -> String {
    let begun = try begin(isCheck: true)
    for lack in begun.lacks { logger.warning("\(lack)") }
    let measurement = begun.measurement
    try measurement.check(logger)
    return measurement.summary
  }

  /// Serves until a signal ends this process.
  ///
  /// - Throws: why it cannot be served, or `ServeError.changed`. Then no socket is left behind.
  public func serve() throws {
    let begun = try begin(isCheck: false)
    let measurement = begun.measurement
    let sockets = try SocketPlaces(
      options.sockets, mode: options.socketMode, passed: begun.sockets, owner: begun.identity.owner,
      wellKnown: system.wellKnown, logger: logger)
    // Only now: if the paths are taken, this is all that matters.
    for lack in begun.lacks { logger.warning("\(lack)") }
    let report = ServiceReport(
      begun.notifier, topology: measurement.missesNewPackages ? begun.topology : nil,
      counters: measurement.counters(root: options.root, passed: begun.registers), logger: logger)
    do {
      let keep: PrivilegeDrop.Keep =
        measurement.hasChildren
        ? .forChildren
        : options.isSealed || begun.registers != nil
          ? .nothing : measurement.isOpenForGood ? .nothingIfAllowed : .own
      for warning in try system.drop(begun.identity, keep) { logger.warning("\(warning)") }
      logger.info("Measuring every \(options.interval) s: \(measurement.summary).")
      var settings = options.settings(trustedGroup: begun.trustedGroup, onPulse: report.take)
      settings.wantedSockets = sockets.wanted
      let server = measurement.server(
        sockets.files, logger: logger, settings: settings, version: version,
        watchdogNanoseconds: begun.notifier.watchdogNanoseconds)
      defer { server.stop() }
      try server.start()
      if let seconds = measurement.firstReadingSeconds { report.waiting(seconds: seconds) }
      let places = sockets.files.map(\.path).joined(separator: " and ")
      let run = measurement.start(server, logger: logger) { [logger, onReady] in
        logger.info("Ready: serving at \(places).")
        report.ready()
        onReady()
      }
      defer { run?.stop() }
      let signal = system.waitForEnd()
      report.stopping()
      if let change = report.change { throw ServeError.changed(change) }
      logger.info("Ending on signal \(signal).")
    } catch {
      sockets.remove(logger)
      throw error
    }
  }

  /// What a service has before its sockets.
  private struct Begun {
    let identity: PrivilegeDrop.Identity
    let trustedGroup: TrustedGroup?
    let sockets: [PassedSocket]
    let registers: PassedRegisters?
    let notifier: ServiceNotifier
    let topology: TopologyWatch?
    let measurement: Measurement
    /// Sentences about rights that turbostat demands and cannot be given.
    let lacks: [String]
  }

  private func begin(isCheck: Bool) throws -> Begun {
    try system.prepare(isCheck)
    try PrivilegeProof.requireProc()
    let identity = try options.identity()
    let trustedGroup = try options.findTrustedGroup()
    let passed = try system.passed()
    let registers = try options.registers(passed.files)
    let notifier = try system.notifier()
    try options.checkInterval(againstWatchdog: notifier.watchdogNanoseconds)
    // Before the source: a package that comes in between is then started for once too often, not missed.
    let topology = TopologyWatch(root: options.root)
    let measurement = try Measurement(options, passed: registers, logger: logger)
    // Not before: a machine of many counters may take seconds, and until now there is nothing to clean up.
    try system.blockSignals()
    try PrivilegeDrop.requirePossible(identity)
    let lacks = measurement.hasChildren ? TurbostatRights.grant() : []
    return Begun(
      identity: identity, trustedGroup: trustedGroup, sockets: passed.sockets, registers: registers, notifier: notifier,
      topology: topology, measurement: measurement, lacks: lacks)
  }
}

/// What a service does to its process, and takes from who started it. Tests replace it: a test's process goes on.
struct ServiceSystem {
  /// Lets the signals that end the service end this process at once, as one that only checks or as one that serves, and raises the
  /// limit on open files.
  var prepare: (_ isCheck: Bool) throws -> Void = { isCheck in
    var error = cmsr_end_at_once(isCheck ? 1 : 0)
    guard error == 0 else { throw ServeError.signals(errno: error) }
    error = cmsr_raise_descriptor_limit()
    guard error == 0 else { throw ServeError.openFiles(errno: error) }
  }
  /// Blocks the signals that end the service, so that it can wait for them. This has to come before any second thread.
  var blockSignals: () throws -> Void = {
    let error = cmsr_block_ending_signals()
    guard error == 0 else { throw ServeError.signals(errno: error) }
  }
  var passed: () throws -> (sockets: [PassedSocket], files: [PassedFile]) = {
    try SocketActivation.take(files: PassedRegisters.claims)
  }
  var notifier: () throws -> ServiceNotifier = { try ServiceNotifier() }
  var wellKnown = SocketPlaces.WellKnown.system
  /// Gives up privileges, and returns sentences for the log.
  var drop: (PrivilegeDrop.Identity, PrivilegeDrop.Keep) throws -> [String] = { try PrivilegeDrop.run($0, keep: $1) }
  /// Waits for the signal that ends the service, and returns its number.
  var waitForEnd: () -> Int32 = { cmsr_wait_for_ending_signal() }
}
