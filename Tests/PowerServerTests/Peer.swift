import Foundation

/// Who connects, as SO_PEERCRED and SO_PEERGROUPS tell the server.
enum Peer {
  /// Whoever runs the tests.
  case itself
  /// A user without rights.
  case nobody
  /// That user as a member of a group.
  case member(gid_t)

  static let canChange = geteuid() == 0
  private static let ordinaryUser: uid_t = 65_534
  private static let ownGroups: [gid_t] = {
    var groups = [gid_t](repeating: 0, count: 65_536)
    return Array(groups.prefix(Int(max(getgroups(Int32(groups.count), &groups), 0))))
  }()

  /// The user is the whole process's: nobody else connects, and no server is started, while it is another.
  static func connecting<Result>(as peer: Peer = .itself, _ connect: () throws -> Result) throws -> Result {
    try changing.withLock {
      try peer.begin()
      defer { peer.end() }
      return try connect()
    }
  }

  private static let changing = NSLock()

  private func begin() throws {
    guard Self.canChange else { return }
    let groups: [gid_t]
    switch self {
    case .itself: return
    case .nobody: groups = []
    case .member(let group): groups = [1, 2, group]
    }
    _ = Self.ownGroups
    guard setgroups(groups.count, groups) == 0, setegid(Self.ordinaryUser) == 0, seteuid(Self.ordinaryUser) == 0 else {
      throw TestFailure(description: "cannot become nobody: \(errno)")
    }
  }

  private func end() {
    guard Self.canChange else { return }
    seteuid(0)
    setegid(0)
    setgroups(Self.ownGroups.count, Self.ownGroups)
  }
}
