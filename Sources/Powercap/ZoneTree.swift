public import RAPL

/// The folders, links and files of a powercap tree, with the kernel's names.
///
/// The folder `intel-rapl` has the zones, one inside the other, as /sys/devices/virtual/powercap; links beside it lead to each
/// zone, as in /sys/class/powercap. So one tree serves at both places, and anywhere else.
public struct ZoneTree: Sendable {
  /// What is at a place of the tree.
  public enum Content: Sendable, Equatable {
    /// A folder, and the indices of what it contains.
    case folder([Int])
    /// A symbolic link to a path.
    case link(String)
    /// A file of a fixed text.
    case text(String)
    /// A zone's `energy_uj`.
    case energy(EnergyZone)
  }

  /// A folder, a link or a file.
  public struct Node: Sendable, Equatable {
    /// Its name; empty for the top.
    public let name: String
    /// The index of its folder; the top's own for the top.
    public let folder: Int
    /// What it is.
    public internal(set) var content: Content
  }

  private static let control = "intel-rapl"

  /// A package's folder, and how many domains are in it.
  private struct Package {
    let name: String
    let folder: Int
    var parts = 0
  }

  /// The nodes; the first is the top.
  public private(set) var nodes: [Node]
  /// The index of the control type's folder, and how many zones are in it.
  private var control = 0
  private var count = 0
  private var packages: [PackageID: Package] = [:]
  private var zones: Set<EnergyZone> = []

  /// The tree of these zones, each domain behind its package.
  public init(_ zones: [EnergyZone]) {
    nodes = [Node(name: "", folder: 0, content: .folder([]))]
    control = add(Self.control, in: 0, .folder([]))
    add("enabled", in: control, .text("1\n"))
    add("subsystem", in: control, .link(".."))
    add(zones)
  }

  /// Adds those zones that it does not have yet, each domain behind its package. All others stay as they are, as when the kernel finds
  /// another package.
  public mutating func add(_ zones: [EnergyZone]) {
    for zone in zones where self.zones.insert(zone).inserted {
      if zone.domain != .package, zone.domain != .psys, let around = packages[zone.package] {
        let name = "\(around.name):\(around.parts)"
        packages[zone.package]?.parts += 1
        add(zone, name, in: around.folder, depth: 3)
        add(name, in: 0, .link("\(Self.control)/\(around.name)/\(name)"))
      } else {
        let name = "\(Self.control):\(count)"
        count += 1
        let folder = add(zone, name, in: control, depth: 2)
        add(name, in: 0, .link("\(Self.control)/\(name)"))
        if zone.domain == .package { packages[zone.package] = Package(name: name, folder: folder) }
      }
    }
  }

  /// The node of a name in a folder, by its index.
  public func find(_ name: String, in folder: Int) -> Int? {
    guard nodes.indices.contains(folder), case .folder(let content) = nodes[folder].content else { return nil }
    return content.first { nodes[$0].name == name }
  }

  @discardableResult
  private mutating func add(_ zone: EnergyZone, _ name: String, in folder: Int, depth: Int) -> Int {
    let place = add(name, in: folder, .folder([]))
    add("name", in: place, .text(zone.name + "\n"))
    add("energy_uj", in: place, .energy(zone))
    add("max_energy_range_uj", in: place, .text("\(EnergyZone.range)\n"))
    add("enabled", in: place, .text("1\n"))
    add("subsystem", in: place, .link(Array(repeating: "..", count: depth).joined(separator: "/")))
    return place
  }

  @discardableResult
  private mutating func add(_ name: String, in folder: Int, _ content: Content) -> Int {
    nodes.append(Node(name: name, folder: folder, content: content))
    if case .folder(let before) = nodes[folder].content { nodes[folder].content = .folder(before + [nodes.count - 1]) }
    return nodes.count - 1
  }
}

/// An energy counter of the service, as a zone of powercap.
public typealias EnergyZone = DomainID

extension EnergyZone {
  /// The largest value of `energy_uj`, in microjoules: that of a full 32-bit counter of 2^-14 J, rounded as the kernel's driver
  /// rounds it on most of Intel's CPUs. The value after it is 0: readers add this number if a counter went back.
  public static let range: UInt64 = 262_143_328_850

  /// What the zone's `name` says.
  ///
  /// Source: Linux drivers/powercap/intel_rapl_common.c, `rapl_init_domains` and `rapl_package_register_powercap`.
  public var name: String {
    switch domain {
    case .package:
      "package-\(package.package)" + (package.die.map { "-die-\($0)" } ?? "")
    // Without a number it is package 0's.
    case .psys: package.package == 0 ? "psys" : "psys-\(package.package)"
    case .core, .uncore, .dram: domain.rawValue
    }
  }
}
