import Foundation

/// A folder that stands for a machine, and goes away with its test.
open class WrittenMachine {
  /// Its path.
  public let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString

  /// An empty folder.
  public init() throws { try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false) }

  /// Writes a file, in place, as the kernel's files: anyone who has it open sees the new text.
  public func write(_ path: String, _ text: String) throws {
    let url = URL(filePath: root + "/" + path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    if let file = FileHandle(forWritingAtPath: url.path) {
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: Data(text.utf8))
    } else {
      try Data(text.utf8).write(to: url)
    }
  }

  /// Writes who the CPU is: a model with energy registers, unless another one is given.
  public func writeCPU(vendor: String = "GenuineIntel", family: Int = 6, model: Int = 94, more: String = "") throws {
    try write("proc/cpuinfo", "vendor_id\t: \(vendor)\ncpu family\t: \(family)\nmodel\t\t: \(model)\n\(more)")
  }

  /// Writes a zone of powercap, which stands at one energy.
  public func writeZone(_ folder: String, name: String, microjoules: String = "1000000") throws {
    try write("sys/class/powercap/\(folder)/name", name + "\n")
    try write("sys/class/powercap/\(folder)/max_energy_range_uj", "262143328850\n")
    try write("sys/class/powercap/\(folder)/energy_uj", microjoules + "\n")
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}
