internal import Formatting
internal import Glibc
public import PowerProtocol
internal import SystemCalls

/// Why a client gets no reading.
public enum ClientError: Error, Equatable {
  /// Nothing listens at any of these paths.
  case noService(paths: [String])
  /// A path is too long for a socket address.
  case pathTooLong(String)
  /// The path is not a socket.
  case notASocket(String)
  /// There is a socket, but connecting to it failed.
  case cannotConnect(path: String, errno: Int32)
  /// The service closed the connection before its first line: it never had a good reading, or takes no more connections.
  case noReading(path: String)
  /// The service closed the connection.
  case closed(path: String)
  /// Something listens at a path, but accepted no connection for this many seconds.
  case full(path: String, seconds: Int)
  /// At a default path, a server that is not trusted answers.
  case untrusted(ServerIdentity)
  /// The expected line or answer did not come within this many seconds.
  case silent(path: String, seconds: Int)
  /// The server sent something that is not the protocol.
  case notTheProtocol(path: String, why: String)
  /// The service does not serve a request.
  case refused(path: String, Refusal)
  /// The connection failed.
  case failed(path: String, errno: Int32)
  /// SIGINT or SIGTERM arrived.
  case interrupted
}

extension ClientError {
  /// Whether the service has gone, and may come back.
  public var isEndOfService: Bool {
    switch self {
    case .closed, .failed, .full, .noReading, .noService, .notASocket, .silent: true
    case .refused(_, let refusal): refusal.code == "no_reading"
    case .cannotConnect, .interrupted, .notTheProtocol, .pathTooLong, .untrusted: false
    }
  }
}

extension ClientError: CustomStringConvertible {
  /// How to start the service: from a checkout by its script, since nothing may be installed.
  private static let start =
    Checkout.start.map { "\($0), or if it is installed: sudo systemctl start pkg-watt-stat.service" }
    ?? "sudo systemctl start pkg-watt-stat.service, or by hand with: sudo pkg-watt-stat serve"
  private static func start(at path: String) -> String {
    "\(Checkout.start ?? "pkg-watt-stat serve") --socket \(shellWord(path))"
  }
  private static let restart =
    "Restart the service: sudo systemctl restart pkg-watt-stat.service; if you started it by hand, end it and start it again."

  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .noService(let paths) where paths.count == 1:
      "No service answers at \(paths[0]); start one there with: \(Self.start(at: paths[0]))"
    case .noService(let paths):
      "No service answers at \(paths.joined(separator: " or ")); start it with: \(Self.start)"
    case .pathTooLong(let path):
      "The socket path \(path) is \(path.utf8.count) bytes long; Unix sockets allow 107. Choose a shorter one."
    case .notASocket(let path):
      "\(path) is not a socket; by default the service's sockets are \(SocketPaths.preferred) and \(SocketPaths.original)."
    case .cannotConnect(let path, EACCES):
      "The \(UserNames.words(geteuid())) may not connect to \(path), because the socket is private. Only root, its owner and members of its "
        + "group may; ls -l \(path) shows them."
    case .cannotConnect(let path, let errno):
      "Cannot connect to \(path): \(errorText(errno)). Check that it is the service's socket."
    case .noReading(let path):
      "The service at \(path) closed the connection without giving a reading: it has none, this user has too many connections, "
        + "or it is ending. Its log says which (journalctl -u pkg-watt-stat.service)."
    case .closed(let path) where [SocketPaths.preferred, SocketPaths.original].contains(path):
      "The service at \(path) has ended or was restarted. If it does not come back, start it: \(Self.start)"
    case .closed(let path):
      "The service at \(path) has ended or was restarted. If it does not come back, start it: \(Self.start(at: path))"
    case .full(let path, let seconds):
      "The service at \(path) accepted no connection for \(seconds) s; it hangs, or has more clients than it can serve. "
        + Self.restart
    case .untrusted(let server): "\(server) If you trust that server, name its path: --socket \(server.path)"
    case .silent(let path, let seconds):
      "\(path) gave no reading or answer for \(seconds) s; the service hangs, or another program listens there. "
        + Self.restart
    case .notTheProtocol(let path, let why):
      "The server at \(path) does not speak pkg-watt-stat's protocol: \(why). Check which program listens there."
    case .refused(let path, let refusal) where refusal.code == "unknown_request":
      "The service at \(path) does not know this request, because it is older than this program; update and restart it."
    case .refused(_, let refusal): "The service refused the request: \(refusal.message)"
    case .failed(let path, let errno):
      "The connection to \(path) failed: \(errorText(errno))."
    case .interrupted:
      "Interrupted."
    }
  }
}

extension Checkout {
  /// The command that builds and starts the service from here; nil for an installed program.
  fileprivate static let start: String? = own.map { "\($0.folder)/scripts/start" }.flatMap {
    unsafe access($0, X_OK) == 0 ? $0 : nil
  }
}
