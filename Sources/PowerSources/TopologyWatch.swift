public import RAPL
internal import Synchronization

/// Notices a package, or a die with a counter of its own, that comes online after the source was opened: its energy is
/// missing from the sum.
///
/// It compares one small file of sysfs, so that asking costs a read; the topology is read once after each change of it.
public final class TopologyWatch: Sendable {
  private let tree: MachineTree
  private let map: RegisterMap
  private let online: OnlineList
  private let seen: Mutex<[UInt8]>
  private let known: Set<PackageID>

  /// Remembers the packages of now.
  ///
  /// - Parameter root: as for `EnergySources.msr(root:)`.
  /// - Returns: nil where the machine does not tell which CPUs are online.
  public init?(root: String? = nil) {
    let tree = MachineTree(root: root)
    guard let online = OnlineList(tree), let identity = try? tree.identity(),
      let map = RegisterMap(vendor: identity.vendor),
      let text = online.text(), let known = Self.counters(tree, map)
    else { return nil }
    self.tree = tree
    self.map = map
    self.online = online
    self.known = known
    seen = Mutex(text)
  }

  /// A package or die that was not there at the start, if there is one now.
  public func newcomer() -> PackageID? {
    guard let text = online.text(), seen.withLock({ $0 != text }) else { return nil }
    guard let counters = Self.counters(tree, map) else { return nil }
    seen.withLock { $0 = text }
    guard let newcomer = counters.subtracting(known).min() else { return nil }
    // Its die is worth saying where others of its package are measured.
    let isDie = known.contains { $0.package == newcomer.package }
    return isDie ? newcomer : PackageID(package: newcomer.package)
  }

  /// Who has a counter: packages and dies as the kernel numbers them, whatever else is online.
  private static func counters(_ tree: MachineTree, _ map: RegisterMap) -> Set<PackageID>? {
    guard let places = try? tree.places() else { return nil }
    return Set(places.map { PackageID(package: $0.package, die: map == .intel ? $0.die : nil) })
  }
}
