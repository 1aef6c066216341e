internal import CFUSE
internal import Powercap
internal import PowerProtocol
internal import Synchronization

/// The tree that this process serves. libfuse calls back without context, so it is global.
enum Served {
  private static let state = Mutex<TreeState?>(nil)
  /// Wakes the thread that follows the service.
  static let alarm = ctree_alarm()
  /// The user and group that everything in the tree belongs to.
  static let owner = Mutex<(user: UInt32, group: UInt32)>((0, 0))

  static func begin(_ info: ServiceInfo, user: UInt32, group: UInt32) {
    owner.withLock { $0 = (user, group) }
    state.withLock { $0 = TreeState(info) }
  }

  static var tree: ZoneTree { with { $0.tree } ?? ZoneTree([]) }

  static func with<Result: Sendable>(_ body: (inout TreeState) -> Result) -> Result? {
    state.withLock { state in
      guard var present = state.take() else { return nil }
      defer { state = present }
      return body(&present)
    }
  }
}
