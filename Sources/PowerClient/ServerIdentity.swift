internal import CMSRShim
internal import Glibc
internal import PowerProtocol
internal import SystemCalls

/// The user who serves at a path, as the kernel recorded it when the server began to listen, and whether to trust that user.
public struct ServerIdentity: Sendable, Equatable {
  /// Whether a server's user is trusted.
  public enum Trust: Sendable, Equatable {
    /// It is root, the service's own user, or the caller.
    case trusted
    /// A user namespace hides who it is.
    case hidden
    /// It is another user.
    case foreign
  }

  /// The users that a client trusts beside root, and what its user namespace shows.
  public struct Known: Sendable, Equatable {
    /// The user that the service becomes, if that user exists.
    public var service: UInt32?
    /// The caller.
    public var own: UInt32
    /// The number that stands for every user that the namespace does not know; nil if it knows them all.
    public var overflow: UInt32?

    /// The users on this system, for a caller.
    public static func now(own: UInt32) -> Self {
      Self(
        service: UserNames.number(of: "pkg-watt-stat"), own: own,
        overflow: showsEveryUser ? nil : overflowUser)
    }

    /// user_namespaces(7): the first namespace maps every number to itself.
    private static var showsEveryUser: Bool {
      guard let map = try? TextFile.read("/proc/self/uid_map") else { return false }
      return map.split(whereSeparator: \.isWhitespace) == ["0", "0", "4294967295"]
    }

    private static var overflowUser: UInt32 {
      let text = try? TextFile.read("/proc/sys/kernel/overflowuid")
      return text.flatMap { UInt32($0.filter(\.isNumber)) } ?? 65_534
    }
  }

  /// The path of the socket.
  public let path: String
  /// The user's number; nil if the kernel does not tell.
  public let user: UInt32?
  /// Whether to trust the server.
  public let trust: Trust

  /// Judges a server.
  public init(path: String, user: UInt32?, known: Known) {
    (self.path, self.user) = (path, user)
    // The overflow number may stand for any user, even if it is also the caller's own number.
    if user == nil || user == known.overflow {
      trust = .hidden
    } else if user == 0 || user == known.own || user == known.service {
      trust = .trusted
    } else {
      trust = .foreign
    }
  }

  /// Whether its readings are good enough to act on: not those of another user, nor those of a hidden user at the path in
  /// /tmp, where any user can serve.
  public var isAcceptable: Bool {
    switch trust {
    case .trusted: true
    case .hidden: path != SocketPaths.original
    case .foreign: false
    }
  }
}

extension ServerIdentity: CustomStringConvertible {
  /// Who serves, and what follows from it.
  public var description: String {
    switch trust {
    case .trusted: "The service at \(path) is trusted."
    case .hidden:
      "Cannot tell who serves at \(path), because this user namespace hides the user; the numbers may be invented."
    case .foreign:
      "\(path) is served by \(UserNames.words(user ?? 0)), not by root, pkg-watt-stat or you, so the numbers may be invented."
    }
  }
}

extension PowerConnection {
  /// The server, judged for this process's user.
  public var server: ServerIdentity { server(known: .now(own: geteuid())) }

  /// The server, judged by the users that a client trusts.
  func server(known: ServerIdentity.Known) -> ServerIdentity {
    var server = cmsr_credentials()
    let error = unsafe cmsr_peer_credentials(descriptor.number, &server)
    return ServerIdentity(path: path, user: error == 0 ? server.user : nil, known: known)
  }
}
