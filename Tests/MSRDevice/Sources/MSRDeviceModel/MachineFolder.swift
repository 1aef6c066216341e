internal import Foundation

/// A folder that stands for a machine, as the product's `--root` wants it: topology, cpuinfo, and a place for dev/cpu, into which
/// its powercap leads.
public enum MachineFolder {
  /// A folder that is not there, or not empty.
  public struct NotEmpty: Error, CustomStringConvertible {
    /// Which.
    public let path: String

    /// One sentence.
    public var description: String {
      "\(path) is not an empty folder; choose a new or an empty one, so that nothing is overwritten."
    }
  }

  /// Writes the files into an empty folder, and gives the folder to mount the registers on.
  public static func compose(
    in root: String, packages: Int, cpusPerPackage: Int, threadsPerCore: Int = 1, cpuinfo: CPUInfo
  ) throws -> String {
    guard let found = try? FileManager.default.contentsOfDirectory(atPath: root), found.isEmpty else {
      throw NotEmpty(path: root)
    }
    let cpus = root + "/sys/devices/system/cpu"
    let all = CPURange(first: 0, last: packages * cpusPerPackage - 1)
    for cpu in 0...all.last {
      let topology = "\(cpus)/cpu\(cpu)/topology"
      let first = cpu / cpusPerPackage * cpusPerPackage
      let package = CPURange(first: first, last: first + cpusPerPackage - 1)
      try write("\(cpu / cpusPerPackage)", to: topology + "/physical_package_id")
      try write("0", to: topology + "/die_id")
      try write("\(cpu - first)", to: topology + "/cluster_id")
      let core = (cpu - first) / threadsPerCore
      try write("\(core)", to: topology + "/core_id")
      for name in ["package_cpus", "die_cpus", "core_siblings"] { try write(package, to: topology, name) }
      try write(CPURange(first: cpu, last: cpu), to: topology, "cluster_cpus")
      for name in ["core_cpus", "thread_siblings"] {
        let thread = first + core * threadsPerCore
        try write(CPURange(first: thread, last: min(thread + threadsPerCore - 1, package.last)), to: topology, name)
      }
    }
    for name in ["online", "present", "possible"] { try write(all.list, to: "\(cpus)/\(name)") }
    try write(
      cpuinfo.text(packages: packages, cpusPerPackage: cpusPerPackage, threadsPerCore: threadsPerCore),
      to: root + "/proc/cpuinfo")
    let mountPoint = root + "/dev/cpu"
    try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: true)
    // What is mounted there has the powercap files as well.
    try FileManager.default.createDirectory(atPath: root + "/sys/class", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: root + "/sys/class/powercap", withDestinationPath: "../../dev/cpu/powercap")
    return mountPoint
  }

  /// The same CPUs twice, as sysfs has them: a mask, and a list.
  private static func write(_ cpus: CPURange, to folder: String, _ name: String) throws {
    try write(cpus.mask, to: "\(folder)/\(name)")
    try write(cpus.list, to: "\(folder)/\(name)_list")
  }

  private static func write(_ text: String, to path: String) throws {
    let folder = URL(filePath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try (text + (text.hasSuffix("\n") ? "" : "\n")).write(toFile: path, atomically: false, encoding: .utf8)
  }
}
