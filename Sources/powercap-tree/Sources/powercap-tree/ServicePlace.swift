internal import PowerClient
internal import PowerProtocol

/// The service whose energy the tree shows.
struct ServicePlace: Sendable {
  /// How long it may take to accept a connection and to answer.
  private static let patienceMilliseconds: Int32 = 1000
  /// The shortest window that everyone may have.
  private static let shortestStepSeconds = 0.25

  private let address: ServiceAddress
  /// The user who started this, which may run as another user since.
  private let caller: UInt32

  /// - Parameters:
  ///   - path: its socket, if the user has named one.
  ///   - caller: the user who started this.
  ///   - warn: takes a warning about who serves.
  init(path: String?, caller: UInt32, warn: @escaping @Sendable (String) -> Void) {
    address = ServiceAddress(path, patienceMilliseconds: Self.patienceMilliseconds, warn: warn)
    self.caller = caller
  }

  /// Connects to a server that is trusted.
  func connect() throws(ClientError) -> PowerConnection { try address.connectTrusting(caller: caller, interrupt: -1) }

  /// The time between the samples to subscribe to, in seconds: the public windows, also for a client that may have shorter ones.
  static func step(_ info: ServiceInfo) -> Double {
    let shortest = max(shortestStepSeconds, info.policy.shortestIntervalSeconds)
    guard info.policy.isTrusted else { return shortest }
    // As the service divides its interval into public windows.
    return max(shortest, info.intervalSeconds / max((info.intervalSeconds / shortestStepSeconds).rounded(.down), 1))
  }
}
