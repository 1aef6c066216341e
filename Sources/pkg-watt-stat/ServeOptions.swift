internal import ArgumentParser
internal import Serving

/// What `serve` can be told.
struct ServeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How much to log: DEBUG, INFO, WARNING or ERROR.", valueName: "level"))
  var logLevel: LogLevel = .info

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seconds from reading to reading, 0.5 or more; from 0.001 with --socket, whose sockets are then private (mode 0600).",
      valueName: "seconds"))
  var interval = 1.0

  @Option(
    help: ArgumentHelp(
      "Serve at this path; repeat for more. Replaces /run/pkg-watt-stat/pkg-watt-stat.sock and /tmp/pkg-watt-stat.sock.",
      valueName: "path"))
  var socket: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where energy comes from: auto, msr (the energy registers), powercap (the kernel's reading of them), turbostat (runs that program and hands on what it says) or simulated (invented watts, marked so). auto takes msr, else powercap.",
      valueName: "source"))
  var source: SourceChoice = .auto

  @Option(
    help: ArgumentHelp(
      "The turbostat to run with --source turbostat; without it the first in PATH and the system's folders.",
      valueName: "path"))
  var turbostat: String?

  @Option(
    help: ArgumentHelp(
      "Become this user. Without it: pkg-watt-stat where that user exists, else the user stays.", valueName: "name"))
  var user: String?

  @Option(
    help: ArgumentHelp(
      "A folder whose dev/cpu, sys and proc/cpuinfo stand for this machine's own.", valueName: "dir")
  )
  var root: String?

  @Option(
    help: ArgumentHelp(
      "Members of this group, and root, may ask for windows down to 10 ms and full resolution. Without it: pkg-watt-stat where that group exists, else root only.",
      valueName: "name"))
  var trustedGroup: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many connections a user may have, from 1 to 1000000; root may always have 20000. Without it: 4096, or three quarters of the limit on open files if that is less.",
      valueName: "number"))
  var connectionsPerUser: Int?

  @Flag(help: "Give up CAP_SYS_RAWIO too, once the registers are open: it is asked for on opening only.")
  var seal = false

  @Flag(help: "Only say whether this machine can be measured, and how.")
  var check = false

  /// The same for the room that serves.
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
