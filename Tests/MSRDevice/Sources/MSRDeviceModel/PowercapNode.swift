/// A folder or file of `powercap`, named and placed as in /sys/class/powercap.
///
/// Each package has its zone, one for its memory below it, and on package 0 there is the memory-mapped twin that client CPUs
/// show.
public enum PowercapNode: Equatable, Sendable {
  /// A zone: one energy counter.
  public enum Zone: Equatable, Sendable {
    /// `intel-rapl:P`
    case package(Int)
    /// `intel-rapl:P:0`
    case dram(Int)
    /// `intel-rapl-mmio:0`: package 0 once more.
    case memoryMapped

    /// The zones of a device of so many packages.
    static func all(packageCount: Int) -> [Zone] {
      (0..<packageCount).flatMap { [.package($0), .dram($0)] } + (packageCount > 0 ? [.memoryMapped] : [])
    }

    var folder: String {
      switch self {
      case .package(let package): "intel-rapl:\(package)"
      case .dram(let package): "intel-rapl:\(package):0"
      case .memoryMapped: "intel-rapl-mmio:0"
      }
    }

    var name: String {
      switch self {
      case .package(let package): "package-\(package)"
      case .dram: "dram"
      case .memoryMapped: "package-0"
      }
    }

    var package: Int {
      switch self {
      case .package(let package), .dram(let package): package
      case .memoryMapped: 0
      }
    }

    /// Its energy register, by Intel's addresses.
    var register: UInt32 {
      if case .dram = self { 0x619 } else { 0x611 }
    }
  }

  /// A zone's file.
  public enum File: String, CaseIterable, Sendable {
    /// Its name.
    case name
    /// Microjoules, up to the largest and again from 0.
    case energy = "energy_uj"
    /// The largest.
    case range = "max_energy_range_uj"
    /// The thermal design power in microwatts.
    case power = "constraint_0_max_power_uw"
  }

  /// `powercap` itself.
  case folder
  /// A zone's folder.
  case zone(Zone)
  /// A zone's file.
  case file(Zone, File)

  init?(_ parts: [String], packageCount: Int) {
    guard let name = parts.first else {
      self = .folder
      return
    }
    guard let zone = Zone.all(packageCount: packageCount).first(where: { $0.folder == name }) else { return nil }
    switch parts.count {
    case 1: self = .zone(zone)
    case 2:
      guard let file = File(rawValue: parts[1]) else { return nil }
      self = .file(zone, file)
    default: return nil
    }
  }

  func names(packageCount: Int) throws(DeviceError) -> [String] {
    switch self {
    case .folder: Zone.all(packageCount: packageCount).map(\.folder)
    case .zone: File.allCases.map(\.rawValue)
    case .file: throw .file
    }
  }
}
