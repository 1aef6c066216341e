import Foundation
import Synchronization

/// A folder that stands for a machine whose powercap zones move: each shows what its package has drawn.
final class ZoneFolder {
  /// A zone: its folder's name and its own, the package whose energy it shows, and who may read it.
  struct Zone {
    let folder: String
    let name: String
    let package: Int
    var permissions: mode_t = 0o444
  }

  private struct EnergyFile: Sendable {
    let descriptor: Int32
    let watts: Double
    let start: UInt64
  }

  let root: TemporaryFolder
  private let isOver = Over()

  /// Writes the folder and keeps its energies going.
  ///
  /// - Parameters:
  ///   - cpuinfo: the lines that tell who the CPU is.
  ///   - places: each CPU's package and die.
  ///   - watts: what each package draws.
  init(cpuinfo: String, places: [(package: Int, die: Int)], zones: [Zone], watts: [Double]) throws {
    let root = try TemporaryFolder()
    func write(_ path: String, _ text: String) throws {
      let url = URL(filePath: root.file(path))
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: url)
    }
    try write("proc/cpuinfo", cpuinfo)
    let cpus = "sys/devices/system/cpu"
    try write("\(cpus)/online", "0-\(places.count - 1)")
    try write("\(cpus)/present", "0-\(places.count - 1)")
    for (cpu, place) in places.enumerated() {
      try write("\(cpus)/cpu\(cpu)/topology/physical_package_id", "\(place.package)")
      try write("\(cpus)/cpu\(cpu)/topology/die_id", "\(place.die)")
      try write("\(cpus)/cpu\(cpu)/topology/core_id", "\(cpu)")
    }
    var files: [EnergyFile] = []
    var counters: [Int: String] = [:]
    for zone in zones {
      let folder = "sys/class/powercap/\(zone.folder)"
      try write("\(folder)/name", zone.name)
      try write("\(folder)/max_energy_range_uj", "65532610987")
      let path = root.file("\(folder)/energy_uj")
      if let counter = counters[zone.package] {
        // One counter under two names, so one file: they never differ.
        guard link(counter, path) == 0 else { throw TestFailure("cannot link \(path)") }
        continue
      }
      counters[zone.package] = path
      try write("\(folder)/energy_uj", Self.text(Self.start(zone.package)))
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0, chmod(path, zone.permissions) == 0 else { throw TestFailure("cannot open \(path)") }
      files.append(
        EnergyFile(descriptor: descriptor, watts: watts[zone.package], start: Self.start(zone.package)))
    }
    self.root = root
    Thread.detachNewThread { [isOver, files] in Self.advance(files, until: isOver) }
  }

  private final class Over: Sendable {
    let flag = Mutex(false)
  }

  private static func advance(_ files: [EnergyFile], until isOver: Over) {
    let start = DispatchTime.now().uptimeNanoseconds
    while !isOver.flag.withLock({ $0 }) {
      for file in files {
        // In place and at one length, so that no reader sees half a number; of the moment at which it is written.
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        let text = text(file.start + UInt64(seconds * file.watts * 1e6))
        pwrite(file.descriptor, text, text.utf8.count, 0)
      }
      usleep(1000)
    }
    for file in files { close(file.descriptor) }
  }

  deinit { isOver.flag.withLock { $0 = true } }

  /// No two counters begin alike.
  private static func start(_ package: Int) -> UInt64 { 1_000_000 + UInt64(package) * 5_000_000_000 }

  private static func text(_ microjoules: UInt64) -> String {
    let digits = "\(microjoules)"
    return String(repeating: "0", count: 12 - digits.count) + digits + "\n"
  }
}
