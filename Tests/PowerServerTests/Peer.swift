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

  func begin() throws {
    guard Self.canChange else { return }
    let groups: [gid_t]
    switch self {
    case .itself: return
    case .nobody: groups = []
    case .member(let group): groups = [1, 2, group]
    }
    guard setgroups(groups.count, groups) == 0, setegid(Self.ordinaryUser) == 0, seteuid(Self.ordinaryUser) == 0 else {
      throw TestFailure(description: "cannot become nobody: \(errno)")
    }
  }

  func end() {
    guard Self.canChange else { return }
    seteuid(0)
    setegid(0)
    setgroups(0, [])
  }
}
