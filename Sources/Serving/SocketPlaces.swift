internal import CMSRShim
internal import Glibc
public import Logging
internal import PowerProtocol
public import PowerServer
public import Privileges
public import ServiceManager
internal import SystemCalls

/// The sockets of one service: those of `--socket`, or both well-known ones.
public struct SocketPlaces: Sendable {
  /// The places of a service without other paths.
  public struct WellKnown: Sendable {
    /// The folder that the service makes.
    var folder: String
    /// The path in that folder.
    var preferred: String
    /// The path at which any user may have put something.
    var original: String

    /// The places on this system.
    public static let system = WellKnown(
      folder: SocketPaths.preferredFolder, preferred: SocketPaths.preferred, original: SocketPaths.original)
  }

  /// The sockets that are served.
  public private(set) var files: [SocketFile] = []
  /// The sockets to bind as soon as their path is free.
  public private(set) var wanted: [WantedSocket] = []
  private let wellKnown: WellKnown
  private var hasMadeFolder = false

  /// The units that hold the well-known paths under systemd.
  private static let units = (preferred: "pkg-watt-stat.socket", original: "pkg-watt-stat-tmp.socket")

  /// Binds the sockets.
  ///
  /// - Parameters:
  ///   - paths: the requested paths; empty for the well-known ones.
  ///   - mode: permissions of the sockets, as in chmod(1).
  ///   - passed: sockets that the service manager has passed; if there are any, nothing else is bound.
  ///   - owner: the owner of the socket files; nil for this process's user.
  /// - Throws: `ServeError.socketsTwice`, or the reason why a socket cannot be served. Then nothing is left behind.
  public init(
    _ paths: [String], mode: UInt32, passed: [PassedSocket], owner: SocketFile.Owner?, wellKnown: WellKnown = .system,
    logger: Logger
  ) throws {
    self.wellKnown = wellKnown
    if !passed.isEmpty {
      guard paths.isEmpty else { throw ServeError.socketsTwice }
      for socket in passed { files.append(try SocketFile.passed(socket.descriptor)) }
      let names = passed.map(\.name)
      if names.contains(Self.units.preferred), !names.contains(Self.units.original),
        !files.contains(where: { $0.path == wellKnown.original })
      {
        logger.warning(
          """
          Not serving at \(wellKnown.original), because \(Self.units.original) did not start. Once nothing else is at that path, \
          start it: sudo systemctl restart pkg-watt-stat.service
          """)
      }
      return
    }
    do {
      if paths.isEmpty { try bindBoth(mode: mode, owner: owner, logger: logger) }
      for path in paths { files.append(try SocketFile.bind(path, mode: mode, owner: owner)) }
    } catch {
      remove(logger)
      throw error
    }
  }

  /// Removes the sockets of a service that could not start.
  public func remove(_ logger: Logger) {
    for file in files {
      do {
        try file.remove()
      } catch {
        logger.warning("\(error)")
      }
    }
    // This fails if the service is no longer root, or if the folder is not empty. It then stays, and does no harm.
    if hasMadeFolder { _ = unsafe rmdir(wellKnown.folder) }
  }

  /// Binds both well-known paths. If any user has put something at the original one, the service still serves at the other.
  private mutating func bindBoth(mode: UInt32, owner: SocketFile.Owner?, logger: Logger) throws {
    if makeFolder(owner: owner, logger: logger) {
      files.append(try SocketFile.bind(wellKnown.preferred, mode: mode, owner: owner))
    }
    do throws(SocketError) {
      files.append(try SocketFile.bind(wellKnown.original, mode: mode, owner: owner))
    } catch {
      if files.isEmpty { throw error }
      wanted.append((wellKnown.original, mode))
      logger.warning(
        "Serving only at \(wellKnown.preferred); \(wellKnown.original) is tried again every minute. \(error)")
    }
  }

  /// Makes the folder of the preferred path if it is missing, and gives it to the service's user, who could not remove the
  /// socket from it otherwise.
  ///
  /// Only root can write to /run, so no other user can have put anything there. What root does in the folder later, it does
  /// as the service's user (`SocketFile.bind`).
  private mutating func makeFolder(owner: SocketFile.Owner?, logger: Logger) -> Bool {
    let path = wellKnown.folder
    func refuse(_ why: String) -> Bool {
      logger.warning(
        "Cannot serve in \(path) as this user (\(why)); clients find the service at \(wellKnown.original).")
      return false
    }
    hasMadeFolder = unsafe mkdir(path, 0o755) == 0
    guard hasMadeFolder || errno == EEXIST else { return refuse(errorText(errno)) }
    // Only a folder: a symbolic link of that name is not followed.
    let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0 else { return refuse(errorText(errno)) }
    let folder = Descriptor(owning: opened)
    guard unsafe access(path, W_OK) == 0 else { return refuse(errorText(errno)) }
    if let owner, fchown(folder.number, owner.user, owner.group) != 0 {
      logger.warning(
        "Cannot give \(path) to the service's user (\(errorText(errno))), so the socket may stay after the service has ended."
      )
    }
    return true
  }
}

extension PrivilegeDrop.Identity {
  /// The owner of the socket files, so that the service can remove them after it has given up root; nil if the user stays.
  public var owner: SocketFile.Owner? {
    switch self {
    case .required(let user), .preferred(let user):
      geteuid() == 0 && cmsr_has_setuid_and_setgid() == 1 ? (user.user, user.group) : nil
    case .unchanged: nil
    }
  }
}
