internal import Glibc
public import RAPL
internal import SystemCalls

/// Notices a package that comes online after the source was opened: its energy is missing from the sum.
///
/// It compares one small file of sysfs, so that asking costs a read.
public final class TopologyWatch: Sendable {
  private let tree: MachineTree
  private let vendor: CPUVendor
  private let online: Descriptor
  private let first: [UInt8]
  private let known: Set<PackageID>

  /// Remembers the packages of now.
  ///
  /// - Parameter root: as for `EnergySources.msr(root:)`.
  /// - Returns: nil where the machine does not tell which CPUs are online.
  public init?(root: String? = nil) {
    let tree = MachineTree(root: root)
    let number = unsafe open("\(tree.root)/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { return nil }
    let online = Descriptor(owning: number)
    guard let identity = try? tree.identity(), let text = Self.read(online),
      let known = Self.packages(tree, identity.vendor)
    else { return nil }
    self.tree = tree
    self.online = online
    self.known = known
    vendor = identity.vendor
    first = text
  }

  /// A package that was not there at the start, if there is one now.
  public func newcomer() -> PackageID? {
    guard let text = Self.read(online), text != first, let packages = Self.packages(tree, vendor) else { return nil }
    return packages.subtracting(known).min()
  }

  private static func packages(_ tree: MachineTree, _ vendor: CPUVendor) -> Set<PackageID>? {
    guard let map = RegisterMap(vendor: vendor), let places = try? tree.places() else { return nil }
    return Set(PackageCPUs.group(places, by: map).map(\.id))
  }

  private static func read(_ descriptor: borrowing Descriptor) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let number = descriptor.number
    // At 0, so that the kernel makes the text anew.
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(number, $0.baseAddress, $0.count, 0) }
    return count > 0 ? Array(bytes[..<count]) : nil
  }
}
