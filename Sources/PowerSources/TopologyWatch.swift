public import RAPL
internal import Synchronization
internal import SystemCalls

/// Notices a package that comes online after the source was opened, or a die with a counter of its own: its energy is missing
/// from the sum.
///
/// It compares one small file of sysfs, so each check costs one read; the topology is read once after each change.
public final class TopologyWatch: Sendable {
  private let tree: MachineTree
  private let map: RegisterMap
  private let online: OnlineList
  private let seen: Mutex<[UInt8]>
  private let known: Set<PackageID>

  /// Remembers the present packages.
  ///
  /// - Parameter root: as for `EnergySources.msr(root:)`.
  /// - Returns: nil if the machine does not tell which CPUs are online.
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
  public func hotplugged() -> PackageID? {
    guard let text = online.text(), seen.withLock({ $0 != text }) else { return nil }
    guard let counters = Self.counters(tree, map) else { return nil }
    seen.withLock { $0 = text }
    guard let hotplugged = counters.subtracting(known).min() else { return nil }
    // The die is named only if others of its package are measured.
    let isDie = known.contains { $0.package == hotplugged.package }
    return isDie ? hotplugged : PackageID(package: hotplugged.package)
  }

  /// The packages and dies that have a counter, by the kernel's numbers.
  private static func counters(_ tree: MachineTree, _ map: RegisterMap) -> Set<PackageID>? {
    guard let places = try? tree.places() else { return nil }
    return Set(places.map { PackageID(package: $0.package, die: map == .intel ? $0.die : nil) })
  }
}

/// The kernel's list of the CPUs that are online, kept open: to see whether it has changed costs one read.
///
/// In a container that list may be the container's own (lxcfs) and never change; the list of offline CPUs is the kernel's even
/// there.
final class OnlineList: Sendable {
  private let online: Descriptor
  private let offline: Descriptor?

  /// Opens it; nil if the machine does not tell which CPUs are online.
  init?(_ tree: MachineTree) {
    guard let online = try? RegularFile.open(tree.cpuFolder + "/online", root: tree.root) else { return nil }
    self.online = online
    offline = try? RegularFile.open(tree.cpuFolder + "/offline", root: tree.root)
  }

  /// Its present text; nil if it cannot be read.
  func text() -> [UInt8]? {
    guard let text = Self.text(online) else { return nil }
    return switch offline {
    case .some(let offline): text + (Self.text(offline) ?? [])
    case nil: text
    }
  }

  private static func text(_ file: borrowing Descriptor) -> [UInt8]? {
    let bytes = (try? file.firstBytes(4096, of: "the list of CPUs")) ?? []
    return bytes.isEmpty ? nil : Array(bytes)
  }
}
