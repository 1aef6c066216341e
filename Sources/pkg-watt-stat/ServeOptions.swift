public import ArgumentParser
public import ServiceManager
public import Serving

/// The options of `serve`.
struct ServeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The log level: DEBUG, INFO, WARNING or ERROR.", valueName: "level"))
  var logLevel: LogLevel = .info

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Sampling interval in seconds, minimum 0.5. With --socket the minimum is 0.001; below 0.5 the sockets are private (mode 0600).",
      valueName: "seconds"))
  var interval = 1.0

  @Option(
    help: ArgumentHelp(
      "Serve at this path instead of /run/pkg-watt-stat/pkg-watt-stat.sock and /tmp/pkg-watt-stat.sock. May be repeated.",
      valueName: "path"))
  var socket: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where energy comes from: msr (the energy registers), passed (the same, opened by the service manager), perf (the kernel's energy events), powercap (the kernel's own reading of the registers), turbostat (the output of that program), simulated (invented watts, marked as simulated) or auto (msr if its counters work, else perf, else powercap).",
      valueName: "source"))
  var source: SourceChoice = .auto

  @Option(
    help: ArgumentHelp(
      "The turbostat for --source turbostat. Default: the first one in PATH and the system's folders.",
      valueName: "path"))
  var turbostat: String?

  @Option(
    help: ArgumentHelp(
      "Become this user. Default: pkg-watt-stat, if that user exists; otherwise the user stays the same.",
      valueName: "name"))
  var user: String?

  @Option(
    help: ArgumentHelp(
      "Read dev/cpu, sys and proc/cpuinfo of this folder instead of the machine's own.", valueName: "dir"))
  var root: String?

  @Option(
    help: ArgumentHelp(
      "Members of this group get windows down to 10 ms and full resolution, as root does. Default: pkg-watt-stat, if that group exists; otherwise root only.",
      valueName: "name"))
  var trustedGroup: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Connections that each user may have, from 1 to 1000000. Root may always have 20000. Default: 4096, or three quarters of the limit on open files if that is less.",
      valueName: "number"))
  var connectionsPerUser: Int?

  @Flag(help: "Give up CAP_SYS_RAWIO too, once the registers are open. Open registers can be read without it.")
  var seal = false

  @Flag(help: "Only say whether this machine can be measured, and how.")
  var check = false

  /// These options for `Serving`.
  var service: ServiceOptions {
    var options = ServiceOptions()
    options.interval = interval
    options.sockets = socket
    options.source = source
    options.turbostat = turbostat
    options.user = user
    options.root = root
    options.trustedGroup = trustedGroup
    options.connectionsPerUser = connectionsPerUser
    options.isSealed = seal
    return options
  }

  func validate() throws {
    if let flaw = service.flaw { throw ValidationError(flaw) }
  }
}

// What is typed is the raw value.
extension SourceChoice: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {
  /// A level in upper or lower case.
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}
