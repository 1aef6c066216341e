internal import CMSRShim
internal import Logging
internal import NIOCore

/// The shares of all users who are connected, or were recently. Lives on the event loop.
final class UserShares {
  /// The fewest connections that root may have: services that act for many others run as root.
  private static let rootsConnections = 20_000
  /// How long no more is logged about a user who exceeds the share, in nanoseconds.
  private static let quiet: Int64 = 60_000_000_000
  private static let leastRemembered = 64

  private let mostConnections: Int
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var shares: [UInt32: UserShare] = [:]
  private var mostRemembered = leastRemembered
  private var quietUntil = Int64.min
  /// Begins to serve the connection behind a descriptor.
  var begin: (Int32, UserShare) -> Void = { descriptor, share in
    cmsr_close(descriptor)
    share.leave()
  }

  /// - Parameter mostConnections: how many a user may have; nil for the number that follows from the limit on open files.
  init(mostConnections: Int?, on eventLoop: any EventLoop, logger: Logger) {
    self.mostConnections = mostConnections ?? ServerSettings.connectionsOfUser(descriptorLimit: cmsr_descriptor_limit())
    self.eventLoop = eventLoop
    self.logger = logger
  }

  /// Takes a new connection, or closes it if its user has too many.
  ///
  /// - Returns: whether its user has some of the share left: otherwise it was closed, or waits.
  func take(_ descriptor: Int32) -> Bool {
    var peer = cmsr_credentials()
    // If the kernel does not tell, it counts as nobody's.
    let user = unsafe cmsr_peer_credentials(descriptor, &peer) == 0 ? peer.user : 65_534
    let share = share(of: user)
    if share.take(descriptor) { return !share.isCrowded }
    cmsr_close(descriptor)
    let now = cmsr_monotonic_nanoseconds()
    guard now >= quietUntil else { return false }
    quietUntil = now + Self.quiet
    logger.warning(
      "User \(user) has \(share.connections) connections, which is the limit for one user, so further ones are closed; to allow more, use --connections-per-user."
    )
    return false
  }

  /// Begins to serve all connections that still wait for their turn: the service ends, and no more are accepted.
  func beginAll() {
    for share in shares.values { share.beginAll() }
  }

  private func share(of user: UInt32) -> UserShare {
    if let found = shares[user] { return found }
    if shares.count >= mostRemembered {
      // A used share is remembered until it is full again, so that leaving gains nothing.
      let now = cmsr_monotonic_nanoseconds()
      shares = shares.filter { !$0.value.isUntouched(now: now) }
      mostRemembered = max(Self.leastRemembered, shares.count * 2)
    }
    let most = user == 0 ? max(mostConnections, Self.rootsConnections) : mostConnections
    let share = UserShare(user: user, mostConnections: most, on: eventLoop) { [weak self] in
      self?.begin($0, $1)
    }
    shares[user] = share
    return share
  }
}
