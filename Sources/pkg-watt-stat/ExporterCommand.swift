internal import ArgumentParser
internal import CMSRShim
internal import Exporter
internal import Glibc
internal import Logging
internal import PowerClient
internal import Privileges
internal import ServiceManager
internal import Synchronization

/// Serves metrics and a live page over HTTP.
struct ExporterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exporter",
    abstract: "Serve what a running service measures over HTTP: /metrics for Prometheus, and a live page at /.",
    discussion: """
      Listens to this machine only unless --listen says otherwise. Whoever reaches it learns what every local user may: \
      means over 250 ms or more, to 10 mW. There is no password and no encryption; put a proxy before it where that \
      matters. It connects to the service when it is asked, and lets go of it afterwards, so that the service can sleep. \
      Where the service does not answer, /metrics says pkg_watt_stat_up 0. Started as root it becomes nobody. Ends on \
      SIGTERM, SIGINT or SIGHUP.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    help: ArgumentHelp(
      "Listen here; [ADDRESS]:PORT for IPv6, 0.0.0.0 or [::] for all of this machine's addresses. Port 0 is any that is free.",
      valueName: "address:port"))
  var listen = "\(ListenAddress())"

  @Option(help: ArgumentHelp("How much to log: DEBUG, INFO, WARNING or ERROR.", valueName: "level"))
  var logLevel: LogLevel = .info

  func validate() throws {
    _ = try address()
  }

  private func address() throws -> ListenAddress {
    guard let address = ListenAddress(listen) else {
      throw ValidationError("--listen takes an IP address and a port, such as 127.0.0.1:10611 or [::1]:10611.")
    }
    return address
  }

  func run() throws {
    guard cmsr_block_ending_signals() == 0 else { throw ExporterError.limits }
    let logger = StderrLogHandler.logger(level: logLevel)
    let notifier = try ServiceNotifier()
    // Anybody may run as the user that root becomes, so that one is no reason to trust a server.
    let caller = geteuid()
    if caller == 0 { try Self.leaveRoot(logger) }
    // Readable once this is to end, so that no service that hangs keeps the thread that asks it.
    let ending = cmsr_event_descriptor()
    guard ending >= 0 else { throw ExporterError.limits }
    let said = Mutex<String?>(nil)
    let server = ExporterServer(
      ServiceReader(service, caller: caller, interrupt: ending), at: try address(),
      settings: ExporterSettings(version: PkgWattStat.version)
    ) { error in
      if case ClientError.interrupted? = error { return }
      let now = error.map { "\($0)" } ?? "The service answers."
      let isNews = said.withLock { before in
        defer { before = now }
        return before != now
      }
      if isNews { logger.log(level: error == nil ? .info : .warning, "\(now)") }
    }
    let address = try server.start()
    logger.info("Ready: serving at http://\(address)/ and http://\(address)/metrics.")
    if !address.isLoopback {
      logger.warning("Whoever reaches \(address) over the network can read what every local user may.")
    }
    let error = notifier.tell(["READY=1", "STATUS=Serving at http://\(address)/."])
    if error != 0 { logger.warning("The service manager was not told that this is ready (error \(error)).") }
    logger.info("Ending on signal \(cmsr_wait_for_ending_signal()).")
    let problem = cmsr_signal_event(ending)
    if problem != 0 { logger.warning("An answer that is being waited for delays the end (error \(problem)).") }
    try server.stop()
  }

  /// Root is told more by the service than everybody may know.
  private static func leaveRoot(_ logger: Logger) throws {
    let name = "nobody"
    guard let user = try ServiceUser.named(name) else { throw ExporterError.noUser(name) }
    for warning in try PrivilegeDrop.run(.preferred(user), keep: .nothing) { logger.warning("\(warning)") }
  }
}
