internal import ArgumentParser
internal import CMSRShim
internal import Exporter
internal import Glibc
internal import Logging
internal import Privileges
internal import ServiceManager
internal import Serving
internal import SystemCalls

/// Serves metrics and a live page over HTTP.
struct ExporterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exporter",
    abstract: "Serve the service's samples over HTTP: /metrics for Prometheus, and a live page at /.",
    discussion: """
      By default only programs on this machine can connect; --listen changes that. Anyone who can connect learns what every \
      local user may know: averages over 250 ms or more, rounded to 10 mW. There is no password and no encryption; if you need \
      them, put a proxy in front. The exporter connects to the service when it is asked, and disconnects soon afterwards, so \
      that the service can sleep. If the service does not answer, /metrics says pkg_watt_stat_up 0. If root starts the \
      exporter, it becomes the user nobody. SIGTERM, SIGINT or SIGHUP ends it.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    help: ArgumentHelp(
      "The address to listen on: [ADDRESS]:PORT for IPv6, 0.0.0.0 or [::] for all addresses of this machine. Port 0 is any free port.",
      valueName: "address:port"))
  var listen = "\(ListenAddress())"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Also serve the energy of this many systemd units and containers (1 to 1000), those that draw most, and of the rest in one row: an estimate by CPU time. Names of units can be private.",
      valueName: "number"))
  var units: Int?

  @Flag(help: "Serve units to other machines too, if --listen is an address that they can reach.")
  var publishUnits = false

  @Option(help: ArgumentHelp("The log level: DEBUG, INFO, WARNING or ERROR.", valueName: "level"))
  var logLevel: LogLevel = .info

  func validate() throws {
    let address = try address()
    if let units, !(1...1000).contains(units) { throw ValidationError("--units must be a number from 1 to 1000.") }
    if publishUnits && units == nil { throw ValidationError("--publish-units needs --units.") }
    if units != nil && !publishUnits && !address.isLoopback {
      throw ValidationError(
        """
        --units would tell everyone who can connect to \(address) the names of users' sessions and of containers. Listen at \
        127.0.0.1, or add --publish-units if everyone may know them.
        """)
    }
  }

  private func address() throws -> ListenAddress {
    guard let address = ListenAddress(listen) else {
      throw ValidationError("--listen must be an IP address and a port, such as 127.0.0.1:10611 or [::1]:10611.")
    }
    return address
  }

  func run() throws {
    let blocked = cmsr_block_ending_signals()
    guard blocked == 0 else { throw ServeError.signals(errno: blocked) }
    let logger = ServiceLog.logger(level: logLevel)
    let notifier = try ServiceNotifier()
    // Anyone may run a program as the user that root becomes, so that user is no reason to trust a server.
    let serviceAddress = service.address
    if geteuid() == 0 { try Self.leaveRoot(logger) }
    // Readable once this is to end, so that no service that hangs keeps the thread that asks it.
    let ending = cmsr_event_descriptor()
    guard ending >= 0 else { throw ServeError.signals(errno: errno) }
    let units = try units.map { try Self.unitReader(most: $0, logger) }
    let reader = ServiceReader(serviceAddress, interrupt: ending, units: units)
    let settings = ExporterSettings(version: PkgWattStat.version)
    let server = ExporterServer(reader, at: try address(), settings: settings) { error in
      logger.log(level: error == nil ? .info : .warning, "\(error.map { "\($0)" } ?? "The service answers.")")
    }
    let address = try server.start()
    logger.info("Ready: serving at http://\(address)/ and http://\(address)/metrics.")
    if !address.isLoopback {
      logger.warning(
        "Anyone who can connect to \(address) over the network can read what every local user may read\(units == nil ? "" : ", and the names of units")."
      )
    }
    let error = notifier.tell(["READY=1", "STATUS=Serving at http://\(address)/."])
    if error != 0 { logger.warning("Cannot tell the service manager that the exporter is ready: \(errorText(error)).") }
    logger.info("Ending on signal \(cmsr_wait_for_ending_signal()).")
    let problem = cmsr_signal_event(ending)
    if problem != 0 {
      logger.warning(
        "Cannot stop waiting for the service's answer, so the exporter ends only after it: \(errorText(problem)).")
    }
    try server.stop()
  }

  /// Who tells the energy of units; it logs what goes wrong later.
  private static func unitReader(most: Int, _ logger: Logger) throws -> UnitReader {
    let reader = try UnitReader(mostUnits: most) { error in
      if let error {
        logger.warning("There are no metrics of units: \(error)")
      } else {
        logger.info("Units can be read again.")
      }
    }
    if let note = reader.note { logger.warning("\(note)") }
    return reader
  }

  /// Gives up root: the service tells root more than everyone may know.
  private static func leaveRoot(_ logger: Logger) throws {
    let name = "nobody"
    guard let user = try ServiceUser.named(name) else { throw NoExporterUser(name: name) }
    for warning in try PrivilegeDrop.run(.preferred(user), keep: .nothing) { logger.warning("\(warning)") }
  }
}

/// The user that root should become does not exist.
struct NoExporterUser: Error, CustomStringConvertible {
  let name: String

  var description: String {
    "The user \(name), which the exporter becomes in place of root, does not exist; run the exporter as an ordinary user."
  }
}
