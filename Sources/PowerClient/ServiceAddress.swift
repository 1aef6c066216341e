internal import Glibc
public import PowerProtocol
internal import Synchronization
public import SystemCalls

/// Where a client finds the service, and which servers it trusts there: whoever serves at a path that the user named, but at the
/// default paths only root, the service's own user and the caller.
public final class ServiceAddress: Sendable {
  private let named: String?
  private let defaults: [String]
  private let caller: UInt32
  private let patienceMilliseconds: Int32
  private let known: @Sendable (UInt32) -> ServerIdentity.Known
  private let warn: @Sendable (String) -> Void
  /// The latest warning, so that a client that connects repeatedly prints it once.
  private let said = Mutex("")

  /// - Parameters:
  ///   - named: the path that the user named; nil for the default paths.
  ///   - defaults: the default paths, tried in this order.
  ///   - caller: the number of the user who started this process, which may run as another user since; nil for its present user.
  ///   - patienceMilliseconds: how long the service may take to accept a client, for its first line, and for an answer.
  ///   - known: the users to trust, for a caller's number.
  ///   - warn: takes a warning about who serves; by default it goes to stderr.
  public init(
    _ named: String?, defaults: [String] = [SocketPaths.preferred, SocketPaths.original],
    caller: UInt32? = nil, patienceMilliseconds: Int32 = 5000,
    known: @escaping @Sendable (UInt32) -> ServerIdentity.Known = { .now(own: $0) },
    warn: @escaping @Sendable (String) -> Void = { StandardError.complain("Warning: \($0)") }
  ) {
    (self.named, self.defaults, self.known, self.warn) = (named, defaults, known, warn)
    self.patienceMilliseconds = patienceMilliseconds
    self.caller = caller ?? geteuid()
  }

  /// Connects, and warns if a server that is not trusted answers at a default path.
  public func connect() throws(ClientError) -> PowerConnection {
    let connection = try open()
    if let server = untrusted(connection) { warnOnce("\(server)") }
    return connection
  }

  /// Connects to a trusted server. If a user namespace hides who serves, this warns, and refuses the path in /tmp.
  ///
  /// - Parameter interrupt: a descriptor that ends every wait once it is readable, or -1.
  public func connectTrusting(interrupt: Int32) throws(ClientError) -> PowerConnection {
    let connection = try open(interrupt: interrupt)
    if let server = untrusted(connection) {
      guard server.isAcceptable else { throw .untrusted(server) }
      warnOnce("\(server)")
    }
    return connection
  }

  /// Who serves; nil if the server is trusted or its path was named.
  public func untrusted(_ connection: borrowing PowerConnection) -> ServerIdentity? {
    guard named == nil else { return nil }
    let server = connection.server(known: known(caller))
    return server.trust == .trusted ? nil : server
  }

  /// Connects to any server.
  public func open(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    try PowerConnection(
      paths: named.map { [$0] } ?? defaults, interrupt: interrupt, patienceMilliseconds: patienceMilliseconds)
  }

  private func warnOnce(_ text: String) {
    let isNews = said.withLock { before in
      defer { before = text }
      return before != text
    }
    if isNews { warn(text) }
  }
}
