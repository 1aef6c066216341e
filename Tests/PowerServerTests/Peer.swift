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

  func begin() throws {
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

  func end() {
    guard Self.canChange else { return }
    seteuid(0)
    setegid(0)
    setgroups(Self.ownGroups.count, Self.ownGroups)
  }
}
