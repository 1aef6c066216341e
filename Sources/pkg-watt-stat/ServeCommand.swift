internal import ArgumentParser
internal import CMSRShim
internal import Formatting
internal import Glibc
internal import Logging
internal import PowerProtocol
internal import PowerServer
internal import PowerSources
internal import Privileges
internal import Serving
internal import ServiceManager
internal import SystemCalls
internal import Turbostat

/// The service: registers to clients.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Read the energy counters and serve watts on Unix sockets.",
    discussion: """
      Needs root, or CAP_SYS_RAWIO and readable /dev/cpu/*/msr nodes. It gives up every right but CAP_SYS_RAWIO. SIGTERM, \
      SIGINT or SIGHUP ends it.
      """)

  @OptionGroup var options: ServeOptions

  func run() throws {
    explainInTerminal()
    var error = cmsr_block_ending_signals()
    guard error == 0 else { throw ServeError.signals(errno: error) }
    error = cmsr_raise_descriptor_limit()
    guard error == 0 else { throw ServeError.openFiles(errno: error) }
    let logger = StderrLogHandler.logger(level: options.logLevel)
    try PrivilegeProof.requireProc()
    let service = options.service
    let identity = try service.identity()
    let trustedGroup = try service.findTrustedGroup()
    let passed = try SocketActivation.sockets()
    let notifier = try ServiceNotifier()
    try service.checkInterval(againstWatchdog: notifier.watchdogNanoseconds)

    // Before the source: a package that comes in between is then started for once too often, not missed.
    let topology = TopologyWatch(root: options.root)
    let measurement = try Measurement(service, logger: logger)
    try PrivilegeDrop.requirePossible(identity)
    if measurement.hasChildren {
      for lack in TurbostatRights.grant() { logger.warning("\(lack)") }
    }
    if options.check {
      try check(measurement, logger)
      try StandardOutput.write("Measurable: \(measurement.summary.harmless).\n")
      return
    }

    let sockets = try SocketPlaces(
      service.sockets, mode: service.socketMode, passed: passed, owner: identity.owner, logger: logger)
    let report = ServiceReport(
      notifier, topology: measurement.missesNewPackages ? topology : nil,
      counters: measurement.counters(root: options.root), logger: logger)
    do {
      let keep: PrivilegeDrop.Keep = measurement.hasChildren ? .forChildren : options.seal ? .nothing : .own
      for warning in try PrivilegeDrop.run(identity, keep: keep) {
        logger.warning("\(warning)")
      }
      logger.info("Measuring \(measurement.summary), every \(options.interval) s.")
      var settings = service.settings(trustedGroup: trustedGroup, onPulse: report.take)
      settings.wantedSockets = sockets.wanted
      let server = measurement.server(
        sockets.files, logger: logger, settings: settings, version: PkgWattStat.version,
        watchdogNanoseconds: notifier.watchdogNanoseconds)
      defer { server.stop() }
      try server.start()
      if let seconds = measurement.firstReadingSeconds { report.waiting(seconds: seconds) }
      let places = sockets.files.map(\.path).joined(separator: " and ")
      let run = measurement.start(server, logger: logger) {
        logger.info("Ready: serving at \(places).")
        report.ready()
      }
      defer { run?.stop() }
      let signal = cmsr_wait_for_ending_signal()
      report.stopping()
      if let change = report.change { throw ServeError.changed(change) }
      logger.info("Ending on signal \(signal).")
    } catch {
      sockets.remove(logger)
      throw error
    }
  }

  private func check(_ measurement: Measurement, _ logger: Logger) throws {
    do {
      try measurement.check(logger)
    } catch let end as EndedBySignal {
      throw ExitCode(128 + end.signal)
    }
  }

  /// Someone who types only the program's name at a terminal may not know yet what it does.
  private func explainInTerminal() {
    guard CommandLine.arguments.count == 1, isatty(STDERR_FILENO) == 1 else { return }
    let text = """
      This starts the service: it reads the CPU's energy counters and serves watts at \(SocketPaths.preferred) and
      \(SocketPaths.original). Press Ctrl-C to end it. To see watts, type in another terminal: pkg-watt-stat read
      For the other commands: pkg-watt-stat --help

      """
    _ = unsafe text.utf8.withContiguousStorageIfAvailable { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
