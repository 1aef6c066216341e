/// The open connections, a limited number. Lives on one event loop.
final class ConnectionTable {
  private let most: Int
  private var connections: [ObjectIdentifier: RequestHandler] = [:]

  init(most: Int) {
    self.most = most
  }

  func add(_ connection: RequestHandler) { connections[ObjectIdentifier(connection)] = connection }

  func remove(_ connection: RequestHandler) { connections[ObjectIdentifier(connection)] = nil }

  /// Makes room for a new connection: at the limit, the one that has been idle longest is closed, or else the one that has not
  /// read its answer for longest.
  ///
  /// - Returns: false if all of them wait for an answer that is being made.
  func makeRoom() -> Bool {
    guard connections.count >= most else { return true }
    let least = connections.values.min { ($0.phase.rawValue, $0.since) < ($1.phase.rawValue, $1.since) }
    guard let least, least.phase != .answering else { return false }
    remove(least)
    least.giveUp()
    return true
  }
}
