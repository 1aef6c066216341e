import Foundation

/// A folder that stands for a machine, as the product's `--root` wants it: topology, cpuinfo, and a place for dev/cpu.
public enum MachineFolder {
  /// Whose cpuinfo it has.
  public enum Vendor: String, CaseIterable, Sendable {
    /// A Skylake client.
    case intel
    /// A Zen 3 desktop, which announces RAPL.
    case amd

    var cpuinfo: String {
      switch self {
      case .intel:
        "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\nmodel name\t: Simulated Intel CPU\nstepping\t: 3\n"
          + "power management:\n\n"
      case .amd:
        "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 33\nmodel name\t: Simulated AMD CPU\nstepping\t: 0\n"
          + "power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]\n\n"
      }
    }
  }

  /// Writes the files, and gives the folder to mount the registers on.
  public static func compose(in root: String, packages: Int, cpusPerPackage: Int, vendor: Vendor) throws -> String {
    let count = packages * cpusPerPackage
    let cpus = root + "/sys/devices/system/cpu"
    for cpu in 0..<count {
      let topology = "\(cpus)/cpu\(cpu)/topology"
      let package = cpu / cpusPerPackage
      let first = package * cpusPerPackage
      let siblings = list(first, first + cpusPerPackage - 1)
      try write("\(package)", to: topology + "/physical_package_id")
      try write("0", to: topology + "/die_id")
      try write("\(cpu % cpusPerPackage)", to: topology + "/core_id")
      for name in ["package_cpus_list", "die_cpus_list", "core_siblings_list"] {
        try write(siblings, to: "\(topology)/\(name)")
      }
      for name in ["core_cpus_list", "thread_siblings_list"] { try write("\(cpu)", to: "\(topology)/\(name)") }
    }
    for name in ["online", "present", "possible"] { try write(list(0, count - 1), to: "\(cpus)/\(name)") }
    try write(vendor.cpuinfo, to: root + "/proc/cpuinfo")
    let mountPoint = root + "/dev/cpu"
    try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: true)
    return mountPoint
  }

  private static func list(_ first: Int, _ last: Int) -> String { first == last ? "\(first)" : "\(first)-\(last)" }

  private static func write(_ text: String, to path: String) throws {
    let folder = URL(filePath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try (text + (text.hasSuffix("\n") ? "" : "\n")).write(toFile: path, atomically: false, encoding: .utf8)
  }
}
