/// A file or folder of the device.
public enum Node: Equatable, Sendable {
  /// The mount point.
  case root
  /// `control`: faults are switched by writing to it.
  case control
  /// `energy`: the truth about what was drawn.
  case energy
  /// `N`.
  case folder(cpu: Int)
  /// `N/msr`.
  case msr(cpu: Int)
  /// `powercap` and what is in it: the same energy as the kernel's powercap shows it.
  case powercap(PowercapNode)

  /// The node at a path that begins with `/` at the mount point, on a device of so many CPUs and packages.
  ///
  /// - Throws: `missing` where there is none.
  public init(path: String, cpuCount: Int, packageCount: Int) throws(DeviceError) {
    let parts = path.split(separator: "/")
    switch parts {
    case _ where parts.first == "powercap":
      guard let node = PowercapNode(parts.dropFirst().map(String.init), packageCount: packageCount) else {
        throw .missing
      }
      self = .powercap(node)
    case []: self = .root
    case ["control"]: self = .control
    case ["energy"]: self = .energy
    default:
      // Not every text that Int reads is a name: "+1" and "01" are none.
      guard let name = parts.first, let cpu = Int(name), "\(cpu)" == name, (0..<cpuCount).contains(cpu) else {
        throw .missing
      }
      switch parts.dropFirst() {
      case []: self = .folder(cpu: cpu)
      case ["msr"]: self = .msr(cpu: cpu)
      default: throw .missing
      }
    }
  }

  /// The names in a folder, on a device of so many CPUs and packages.
  public func names(cpuCount: Int, packageCount: Int) throws(DeviceError) -> [String] {
    switch self {
    case .powercap(let node): try node.names(packageCount: packageCount)
    case .root: ["control", "energy", "powercap"] + (0..<cpuCount).map { "\($0)" }
    case .folder: ["msr"]
    case .control, .energy, .msr: throw .file
    }
  }

  /// Type and permissions, as in stat(2).
  public var mode: UInt32 {
    switch self {
    case .root, .folder: 0o40755
    case .control: 0o100200
    case .energy: 0o100444
    case .msr: 0o100600
    case .powercap(.file(_, .energy)): 0o100400
    case .powercap(.file): 0o100444
    case .powercap: 0o40755
    }
  }
}
