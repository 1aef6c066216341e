internal import ArgumentParser
internal import Logging
internal import PowerServer
internal import Privileges
internal import PowerSources
internal import Turbostat

/// What `serve` can be told.
struct ServeOptions: ParsableArguments {
  /// The interval from which on a socket is open to every local user, in seconds.
  static let shortestPublicInterval = 0.5
  private static let shortestInterval = 0.001
  private static let longestInterval = 3600.0

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

  func validate() throws {
    guard interval >= Self.shortestInterval, interval <= Self.longestInterval else {
      throw ValidationError("The interval must be a number of seconds from 0.5 to 3600, or from 0.001 with --socket.")
    }
    if interval < Self.shortestPublicInterval && socket.isEmpty {
      throw ValidationError(
        "An interval below 0.5 s needs a private socket (--socket): shorter readings for everybody would leak secrets.")
    }
    if let connectionsPerUser, !(1...1_000_000).contains(connectionsPerUser) {
      throw ValidationError("--connections-per-user takes a whole number from 1 to 1000000.")
    }
    if root == "" { throw ValidationError("--root needs the path of a folder.") }
    if root != nil && (source == .simulated || source == .turbostat) {
      throw ValidationError(
        "--root describes a machine with registers; it does not go with --source \(source.rawValue).")
    }
    if turbostat != nil && source != .turbostat {
      throw ValidationError("--turbostat needs --source turbostat.")
    }
    if seal && source == .turbostat {
      throw ValidationError("turbostat itself needs CAP_SYS_RAWIO: --seal does not go with --source turbostat.")
    }
    if source == .turbostat && interval < Self.shortestPublicInterval {
      throw ValidationError("With --source turbostat the interval is 0.5 s or more.")
    }
    if Set(socket).count < socket.count {
      throw ValidationError("The same --socket is given twice.")
    }
  }

  /// Permissions of the sockets: for everybody, unless the interval is too short for that.
  var socketMode: UInt32 { interval < Self.shortestPublicInterval ? 0o600 : 0o666 }

  /// Who the service is to be.
  func identity() throws(PrivilegeError) -> PrivilegeDrop.Identity {
    if let user {
      guard let found = try ServiceUser.named(user) else { throw .unknownUser(user) }
      return .required(found)
    }
    return try ServiceUser.named(ServiceUser.defaultName).map { .preferred($0) } ?? .unchanged
  }

  /// The turbostat to run.
  func turbostatPath() throws(TurbostatMissing) -> String {
    try TurbostatExecutable.choose(turbostat)
  }

  /// Whose members may know more than everybody.
  func findTrustedGroup() throws(PrivilegeError) -> TrustedGroup? {
    let name = trustedGroup ?? ServiceUser.defaultName
    if let id = try UserGroup.id(of: name) { return TrustedGroup(name: name, id: id) }
    if trustedGroup != nil { throw .unknownGroup(name) }
    return nil
  }

  /// How to serve.
  func settings(trustedGroup: TrustedGroup?, onPulse: @escaping @Sendable (ServerPulse) -> Void) -> ServerSettings {
    var settings = ServerSettings(intervalSeconds: interval)
    settings.trustedGroup = trustedGroup
    settings.connectionsOfUser = connectionsPerUser
    settings.onPulse = onPulse
    return settings
  }

  /// The watchdog hears of the service once an interval at most.
  func checkInterval(againstWatchdog nanoseconds: Int64?) throws {
    guard let nanoseconds else { return }
    let seconds = Double(nanoseconds) / 1e9
    guard interval <= seconds / 2 else { throw ServeError.watchdogTooShort(seconds: seconds, interval: interval) }
  }
}

/// Why `serve` cannot begin.
enum ServeError: Error, CustomStringConvertible {
  case watchdogTooShort(seconds: Double, interval: Double)
  case limits
  case socketsTwice
  case changed(MachineChange)

  var description: String {
    switch self {
    case .watchdogTooShort(let seconds, let interval):
      "The service manager's watchdog (WatchdogSec=) waits \(seconds) s, too short for an interval of \(interval) s; raise it "
        + "to \(2 * interval) s or more."
    case .socketsTwice:
      "The service manager has handed over sockets, and --socket names others; leave one of them out."
    case .changed(let change): "\(change)"
    case .limits:
      "Cannot set up signals and the limit on open files: the system refuses this process one of them."
    }
  }
}
