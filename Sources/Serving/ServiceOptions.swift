internal import Glibc
public import PowerServer
public import Privileges
internal import Turbostat

/// What a service was told to do.
public struct ServiceOptions: Sendable {
  /// The interval from which on a socket is open to every local user, in seconds.
  static let shortestPublicInterval = 0.5
  private static let intervals = 0.001...3600.0
  private static let connections = 1...1_000_000

  /// From reading to reading, in seconds.
  public var interval = 1.0
  /// Where to serve; nowhere for the well-known paths.
  public var sockets: [String] = []
  /// Where energy comes from.
  public var source = SourceChoice.auto
  /// The turbostat to run; nil for the first that is found.
  public var turbostat: String?
  /// The user to become; nil for the service's own, if there is one.
  public var user: String?
  /// A folder that stands for this machine's own dev, sys and proc.
  public var root: String?
  /// Whose members may know more than everybody; nil for the service's own, if there is one.
  public var trustedGroup: String?
  /// How many connections a user may have.
  public var connectionsPerUser: Int?
  /// Whether CAP_SYS_RAWIO is given up too.
  public var isSealed = false

  /// The usual.
  public init() {}

  /// What of it makes no sense, as a sentence; nil if all of it does.
  public var flaw: String? {
    if !Self.intervals.contains(interval) {
      return "The interval must be a number of seconds from 0.5 to 3600, or from 0.001 with --socket."
    }
    if isPrivate && sockets.isEmpty {
      return
        "An interval below 0.5 s needs a private socket (--socket): shorter readings for everybody would leak secrets."
    }
    if let connectionsPerUser, !Self.connections.contains(connectionsPerUser) {
      return "--connections-per-user takes a whole number from 1 to 1000000."
    }
    if root == "" { return "--root needs the path of a folder." }
    if root != nil && (source == .simulated || source == .turbostat) {
      return "--root describes a machine with registers; it does not go with --source \(source.rawValue)."
    }
    if turbostat != nil && source != .turbostat { return "--turbostat needs --source turbostat." }
    if isSealed && source == .turbostat {
      return "turbostat itself needs CAP_SYS_RAWIO: --seal does not go with --source turbostat."
    }
    if source == .turbostat && isPrivate { return "With --source turbostat the interval is 0.5 s or more." }
    if Set(sockets).count < sockets.count { return "The same --socket is given twice." }
    return nil
  }

  /// Whether the interval is too short for everybody.
  private var isPrivate: Bool { interval < Self.shortestPublicInterval }

  /// Permissions of the sockets: for everybody, unless the interval is too short for that.
  public var socketMode: UInt32 { isPrivate ? 0o600 : 0o666 }

  /// Who the service is to be.
  public func identity() throws(PrivilegeError) -> PrivilegeDrop.Identity {
    if let user {
      guard let found = try ServiceUser.named(user) else { throw .unknownUser(user) }
      return .required(found)
    }
    return try ServiceUser.named(ServiceUser.defaultName).map { .preferred($0) } ?? .unchanged
  }

  /// Whose members may know more than everybody.
  public func findTrustedGroup() throws(PrivilegeError) -> TrustedGroup? {
    let name = trustedGroup ?? ServiceUser.defaultName
    if let id = try UserGroup.id(of: name) { return TrustedGroup(name: name, id: id) }
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

  /// Makes sure that the watchdog is patient enough: it hears of the service once an interval at most.
  public func checkInterval(againstWatchdog nanoseconds: Int64?) throws(ServeError) {
    guard let nanoseconds else { return }
    let seconds = Double(nanoseconds) / 1e9
    guard interval <= seconds / 2 else { throw .watchdogTooShort(seconds: seconds, interval: interval) }
  }
}
