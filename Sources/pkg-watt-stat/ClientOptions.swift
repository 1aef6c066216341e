internal import ArgumentParser
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import Synchronization
internal import SystemCalls

/// The service that a client command connects to.
struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Connect to this socket. Default: /run/pkg-watt-stat/pkg-watt-stat.sock, then /tmp/pkg-watt-stat.sock.",
      valueName: "path"))
  var socket: String?

  func validate() throws {
    if socket == "" { throw ValidationError("--socket needs the path of a socket.") }
  }

  /// Connects, and warns on stderr if a server that is not trusted answers at a default path.
  ///
  /// - Parameter interrupt: a descriptor that ends every wait once it is readable, or -1.
  func connect(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    let connection = try open(interrupt: interrupt)
    if let warning = warning(of: connection) { Self.warn(warning) }
    return connection
  }

  /// Connects to a trusted server: one whose path was named, or that runs as root, the service's own user or the caller. If a
  /// user namespace hides who serves, this warns, and refuses the path in /tmp.
  ///
  /// - Parameter caller: the number of the user who started this process.
  func connectTrusting(caller: UInt32 = geteuid(), interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    let connection = try open(interrupt: interrupt)
    if let warning = warning(of: connection, caller: caller) {
      let server = connection.server(for: caller)
      guard server.isAcceptable else { throw .untrusted(server) }
      Self.warn(warning)
    }
    return connection
  }

  /// The warning about who serves; nil if the server is trusted or its path was named.
  func warning(of connection: borrowing PowerConnection, caller: UInt32 = geteuid()) -> String? {
    let server = connection.server(for: caller)
    return socket != nil || server.trust == .trusted ? nil : "\(server)"
  }

  /// Connects to any server.
  func open(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    try PowerConnection(
      paths: socket.map { [$0] } ?? [SocketPaths.preferred, SocketPaths.original], interrupt: interrupt)
  }

  /// The latest warning, so that a command that connects repeatedly prints it once.
  private static let said = Mutex("")

  private static func warn(_ text: String) {
    let isNews = said.withLock { before in
      defer { before = text }
      return before != text
    }
    if isNews { StandardError.complain("Warning: \(text)") }
  }
}
