internal import CMSRShim
internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import SystemCalls

/// Who serves at a path, as the kernel noted it when they began to listen, and whether that is to be trusted.
public struct ServerIdentity: Sendable, Equatable {
  /// What is known of a server's user.
  public enum Trust: Sendable, Equatable {
    /// It is root, the service's own user, or the caller.
    case trusted
    /// A user namespace hides who it is.
    case hidden
    /// It is another user.
    case foreign
  }

  /// Whom else than root and itself a client knows, and what its user namespace shows.
  public struct Known: Sendable, Equatable {
    /// The user that the service becomes, where that user exists.
    public var service: UInt32?
    /// The caller.
    public var own: UInt32
    /// The number that stands for every user that the namespace does not know; nil where it knows them all.
    public var overflow: UInt32?

    /// What is known.
    public init(service: UInt32?, own: UInt32, overflow: UInt32?) {
      (self.service, self.own, self.overflow) = (service, own, overflow)
    }

    /// What this system says to a caller.
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

  /// Where.
  public let path: String
  /// The user's number; nil where the kernel does not say.
  public let user: UInt32?
  /// Whether it is to be trusted.
  public let trust: Trust

  /// Judges a server.
  public init(path: String, user: UInt32?, known: Known) {
    (self.path, self.user) = (path, user)
    // The overflow number may be anybody's, the caller's own too.
    if user == nil || user == known.overflow {
      trust = .hidden
    } else if user == 0 || user == known.own || user == known.service {
      trust = .trusted
    } else {
      trust = .foreign
    }
  }

  /// Whether what it says is good enough to act on: not of a stranger, and not of one who may be a stranger at the path in
  /// /tmp, where everybody can serve.
  public var isAcceptable: Bool {
    switch trust {
    case .trusted: true
    case .hidden: path != SocketPaths.original
    case .foreign: false
    }
  }
}

extension ServerIdentity: CustomStringConvertible {
  /// Who it is, and what that means.
  public var description: String {
    switch trust {
    case .trusted: "The service at \(path) is trusted."
    case .hidden:
      "Nobody can tell who serves at \(path): this user namespace hides the user, so its numbers may be invented."
    case .foreign:
      "\(path) is served by \(UserNames.words(user ?? 0)), who is neither root nor pkg-watt-stat nor you, so its numbers may "
        + "be invented."
    }
  }
}

extension PowerConnection {
  /// Who serves, as this process's user judges it.
  public var server: ServerIdentity { server(for: geteuid()) }

  /// Who serves, as a caller judges it.
  ///
  /// - Parameter caller: the number of the user who started this process, if it has become another since.
  public func server(for caller: UInt32) -> ServerIdentity {
    let server = cmsr_server_user(descriptor.number)
    return ServerIdentity(path: path, user: server.error == 0 ? server.user : nil, known: .now(own: caller))
  }
}

/// The system's user database.
enum UserNames {
  private static let bytes = 16_384

  /// A user's number; nil where there is no such user, or the database cannot be read.
  static func number(of name: String) -> UInt32? {
    var entry = unsafe passwd()
    var buffer = [CChar](repeating: 0, count: bytes)
    var found: UnsafeMutablePointer<passwd>?
    return unsafe getpwnam_r(name, &entry, &buffer, bytes, &found) == 0 && found != nil ? unsafe entry.pw_uid : nil
  }

  /// "user eve (1001)", or "user 1001" where nobody has that number.
  static func words(_ number: UInt32) -> String {
    var entry = unsafe passwd()
    var buffer = [CChar](repeating: 0, count: bytes)
    var found: UnsafeMutablePointer<passwd>?
    guard unsafe getpwuid_r(number, &entry, &buffer, bytes, &found) == 0, unsafe found != nil,
      let name = unsafe entry.pw_name
    else { return "user \(number)" }
    return unsafe "user \(String(cString: name).printable) (\(number))"
  }
}
