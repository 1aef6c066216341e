internal import ArgumentParser
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import Synchronization
internal import SystemCalls

/// Which service a client command asks.
struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Connect to this socket. Without it: /run/pkg-watt-stat/pkg-watt-stat.sock, then /tmp/pkg-watt-stat.sock.",
      valueName: "path"))
  var socket: String?

  func validate() throws {
    if socket == "" { throw ValidationError("--socket needs the path of a socket.") }
  }

  /// Connects, and says on stderr if another than the service may be serving at a path that was not named.
  ///
  /// - Parameter interrupt: a descriptor that ends every wait once it is readable, or -1.
  func connect(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    let connection = try open(interrupt: interrupt)
    if let warning = warning(of: connection) { Self.warn(warning) }
    return connection
  }

  /// Connects to a server that is to be trusted: one that is named, or is the service's own user, root, or the caller. One
  /// whom a user namespace hides is warned of, and refused at the path in /tmp.
  ///
  /// - Parameter caller: the number of the user who started this process, if it has become another since.
  func connectTrusting(caller: UInt32 = geteuid(), interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    let connection = try open(interrupt: interrupt)
    if let warning = warning(of: connection, caller: caller) {
      let server = connection.server(for: caller)
      guard server.isAcceptable else { throw .untrusted(server) }
      Self.warn(warning)
    }
    return connection
  }

  /// What has to be known of whoever serves; nil if it is trusted, or was named.
  func warning(of connection: borrowing PowerConnection, caller: UInt32 = geteuid()) -> String? {
    let server = connection.server(for: caller)
    return socket != nil || server.trust == .trusted ? nil : "\(server)"
  }

  /// Connects, whoever serves.
  func open(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    try PowerConnection(
      paths: socket.map { [$0] } ?? [SocketPaths.preferred, SocketPaths.original], interrupt: interrupt)
  }

  /// What was said last: whoever connects again and again says it once.
  private static let said = Mutex("")

  private static func warn(_ text: String) {
    let isNews = said.withLock { before in
      defer { before = text }
      return before != text
    }
    if isNews { StandardError.complain("Warning: \(text)") }
  }
}
