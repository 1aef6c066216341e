internal import Glibc
public import PowerServer
internal import PowerSources
public import Privileges
internal import ServiceManager
internal import Turbostat

/// The options of a service.
public struct ServiceOptions: Sendable {
  /// The interval from which on a socket is open to every local user, in seconds.
  static let shortestPublicInterval = 0.5
  private static let intervals = 0.001...3600.0
  private static let connections = 1...1_000_000

  /// The time between readings, in seconds.
  public var interval = 1.0
  /// The paths to serve at; empty for the well-known paths.
  public var sockets: [String] = []
  /// The source of energy.
  public var source = SourceChoice.auto
  /// The turbostat to run; nil for the first that is found.
  public var turbostat: String?
  /// The user to become; nil for the service's own, if there is one.
  public var user: String?
  /// A folder whose dev, sys and proc are read instead of this machine's own.
  public var root: String?
  /// The group whose members get full resolution; nil for the service's own, if there is one.
  public var trustedGroup: String?
  /// How many connections a user may have.
  public var connectionsPerUser: Int?
  /// Whether CAP_SYS_RAWIO is given up too.
  public var isSealed = false

  /// The default options.
  public init() {}

  /// What is wrong with the options, as a sentence; nil if nothing is.
  public var flaw: String? {
    if !Self.intervals.contains(interval) {
      return "--interval must be from 0.5 to 3600 seconds, or from 0.001 with --socket."
    }
    if isPrivate && sockets.isEmpty {
      return
        "--interval below 0.5 s needs a private socket (--socket): such readings would leak secrets to every user."
    }
    if let connectionsPerUser, !Self.connections.contains(connectionsPerUser) {
      return "--connections-per-user must be a whole number from 1 to 1000000."
    }
    if user == "" { return "--user needs the name of a user." }
    if trustedGroup == "" { return "--trusted-group needs the name of a group." }
    if root == "" { return "--root needs the path of a folder." }
    if root != nil && [.perf, .simulated, .turbostat].contains(source) {
      return "--root cannot be used with --source \(source.rawValue), which does not read that folder."
    }
    if turbostat != nil && source != .turbostat { return "--turbostat needs --source turbostat." }
    if isSealed && source == .turbostat {
      return "--seal cannot be used with --source turbostat, because turbostat needs CAP_SYS_RAWIO."
    }
    if source == .turbostat && isPrivate { return "With --source turbostat, --interval must be at least 0.5 s." }
    if Set(sockets).count < sockets.count { return "The same path is given twice with --socket." }
    return nil
  }

  /// Whether the interval is too short for a public socket.
  private var isPrivate: Bool { interval < Self.shortestPublicInterval }

  /// Permissions of the sockets: open to every user, unless the interval is too short for that.
  public var socketMode: UInt32 { isPrivate ? 0o600 : 0o666 }

  /// The register nodes among the files that the service manager has passed; nil if they are not used.
  ///
  /// - Throws: why they cannot be used, or that they are there and not wanted.
  func registers(_ files: [PassedFile]) throws(PassedRegisterError) -> PassedRegisters? {
    if source == .passed { return try PassedRegisters(files.map { ($0.descriptor, $0.name) }, root: root) }
    if let file = files.first { throw .unwanted(name: file.name, source: source.rawValue) }
    return nil
  }

  /// The user that the service becomes.
  public func identity() throws(PrivilegeError) -> PrivilegeDrop.Identity {
    if let user {
      guard let found = try ServiceUser.named(user) else { throw .unknownUser(user) }
      return .required(found)
    }
    return try ServiceUser.named(ServiceUser.defaultName).map { .preferred($0) } ?? .unchanged
  }

  /// The group whose members get full resolution.
  public func findTrustedGroup() throws(PrivilegeError) -> TrustedGroup? {
    let name = trustedGroup ?? ServiceUser.defaultName
    if let id = try UserGroup.id(of: name) { return (name, id) }
    if trustedGroup != nil { throw .unknownGroup(name) }
    return nil
  }

  /// How to serve.
  public func settings(
    trustedGroup: TrustedGroup?, onPulse: @escaping @Sendable (ServerPulse) -> Void
  ) -> ServerSettings {
    var settings = ServerSettings(intervalSeconds: interval)
    settings.trustedGroup = trustedGroup
    settings.connectionsOfUser = connectionsPerUser
    settings.onPulse = onPulse
    return settings
  }

  /// Makes sure that the watchdog waits long enough: the service reports to it at most once an interval.
  public func checkInterval(againstWatchdog nanoseconds: Int64?) throws(ServeError) {
    guard let nanoseconds else { return }
    let seconds = Double(nanoseconds) / 1e9
    guard interval <= seconds / 2 else { throw .watchdogTooShort(seconds: seconds, interval: interval) }
  }
}
