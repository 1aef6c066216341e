import Foundation
import RAPL
import Synchronization
import TestSupport
import Testing

@testable import PowerSources

/// Registers of two packages, which may lead to one counter from some moment on.
private final class Merging: RegisterFile {
  private let cpu = SimulatedCPU(packages: [.constant(watts: 60), .constant(watts: 100)], cpusPerPackage: 1)
  /// As one that follows would show it.
  private let late = Mutex<UInt64>(0)
  private let counters = Mutex([0, 1])
  private let gone = Mutex<Set<Int>>([])

  func lead(to counters: [Int]) { self.counters.withLock { $0 = counters } }
  /// CPU 1 shows what CPU 0 did so many counts ago.
  func follow(by counts: UInt64) { late.withLock { $0 = counts } }
  func take(_ cpus: Set<Int>) { gone.withLock { $0 = cpus } }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    if gone.withLock({ $0.contains(cpu) }) { throw .offline(cpu: cpu) }
    let late = late.withLock { $0 }
    if cpu == 1, address == 0x611, late > 0 { return try self.cpu.read(address, cpu: 0) - late }
    return try self.cpu.read(address, cpu: counters.withLock { $0[cpu] })
  }
}

@Suite("Counters that are no longer what they were")
struct CounterWatchTests {
  /// A folder with a list of CPUs and a zone whose energy moves.
  private final class Folder: WrittenMachine {
    var energy: String { root + "/sys/class/powercap/intel-rapl:0/energy_uj" }

    override init() throws {
      try super.init()
      try write("sys/devices/system/cpu/online", "0-1\n")
      try writeCPU()
      try addZone()
    }

    func addZone() throws { try writeZone("intel-rapl:0", name: "package-0") }

    func removeZone() throws { try FileManager.default.removeItem(atPath: root + "/sys/class/powercap/intel-rapl:0") }

    /// Opens the zone while it moves.
    func source() throws -> any EnergySource {
      let path = energy
      let moving = Task.detached {
        let descriptor = open(path, O_WRONLY)
        defer { close(descriptor) }
        var value = 1_000_000
        while !Task.isCancelled {
          value += 40_000
          let text = "\(value)\n"
          pwrite(descriptor, text, text.utf8.count, 0)
          usleep(1000)
        }
      }
      defer { moving.cancel() }
      return try EnergySources.powercap(root: root)
    }
  }

  @Test("a zone that goes and comes back is another one")
  func renewedZone() throws {
    let folder = try Folder()
    let watch = try #require(CounterWatch(try folder.source(), root: folder.root))
    #expect(watch.change() == nil)
    try folder.removeZone()
    #expect(watch.change() == nil)
    try folder.addZone()
    #expect(watch.change() == .renewedZone(path: folder.energy))
    #expect("\(MachineChange.renewedZone(path: "/x"))".contains("/x was replaced"))
  }

  private func watch(_ registers: Merging, _ folder: Folder) throws -> CounterWatch {
    let source = try CounterSource(
      registers: registers, packages: (0...1).map { PackageCPUs(id: PackageID(package: $0), cpus: [$0]) },
      identity: CPUIdentity(vendor: .intel, family: 6, model: 0x55), map: .intel)
    return try #require(CounterWatch(source, root: folder.root))
  }

  @Test("two packages that show one counter after CPUs have come or gone are noticed, once they have")
  func repeatedCounter() throws {
    let (registers, folder) = (Merging(), try Folder())
    let watch = try watch(registers, folder)
    #expect(watch.change() == nil)
    registers.lead(to: [0, 0])
    // Nothing has come or gone, so nothing is read.
    #expect(watch.change() == nil)
    try folder.write("sys/devices/system/cpu/online", "0-2\n")
    let change = watch.change()
    #expect(change == .repeatedCounter(PackageID(package: 1), of: PackageID(package: 0)))
    #expect("\(change.map { "\($0)" } ?? "")".contains("counted twice"))
  }

  @Test(
    "two packages of which one may follow the other after CPUs have come or gone end the service: a start has time to tell"
  )
  func followingCounter() throws {
    let (registers, folder) = (Merging(), try Folder())
    let watch = try watch(registers, folder)
    registers.follow(by: 1000)
    try folder.write("sys/devices/system/cpu/online", "0-2\n")
    let change = watch.change().map { "\($0)" } ?? ""
    #expect(
      change.contains("Since CPUs came online or went offline: The energy counters of package 0 and package 1"),
      "\(change)")
  }

  @Test("a package that comes and is hidden is noticed once all lists have followed")
  func hiddenPackage() throws {
    let (registers, folder) = (Merging(), try Folder())
    let info = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
    try folder.write("proc/cpuinfo", info + "physical id\t: 0\n")
    for cpu in 0...1 { try folder.write("sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id", "\(cpu)\n") }
    let watch = try watch(registers, folder)
    try folder.write("proc/cpuinfo", info + "physical id\t: 2\n")
    #expect(watch.change() == nil)
    try folder.write("sys/devices/system/cpu/offline", "3\n")
    try folder.write("sys/devices/system/cpu/online", "0-1 \n")
    #expect(watch.change() == nil)
    let change = watch.change().map { "\($0)" } ?? ""
    #expect(
      change.contains("Since CPUs came online or went offline: ") && change.contains("shows package 2,"), "\(change)")
    // Once is enough.
    #expect(watch.change() == nil)
  }

  @Test("zones that were other names at the start, and that nobody may read by now, hide nothing")
  func otherNames() throws {
    let (registers, folder) = (Merging(), try Folder())
    for cpu in 0...1 { try folder.write("sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id", "\(cpu)\n") }
    for zone in 1...3 { try folder.write("sys/class/powercap/intel-rapl:\(zone)/name", "package-\(zone)\n") }
    let watch = try watch(registers, folder)
    try folder.write("sys/devices/system/cpu/online", "0-1 \n")
    #expect(watch.change() == nil)
    #expect(watch.change() == nil)
    // One more is another matter.
    try folder.write("sys/class/powercap/intel-rapl:4/name", "package-4\n")
    try folder.write("sys/devices/system/cpu/online", "0-1\n")
    #expect(watch.change() == nil)
    let change = watch.change().map { "\($0)" } ?? ""
    #expect(change.contains("has zones for 5 packages, but the CPUs that are online in"), "\(change)")
  }

  @Test("CPUs that come or go, and packages that cannot be read, change nothing by themselves")
  func harmless() throws {
    let (registers, folder) = (Merging(), try Folder())
    let watch = try watch(registers, folder)
    try folder.write("sys/devices/system/cpu/online", "0\n")
    registers.take([1])
    #expect(watch.change() == nil)
    try folder.write("sys/devices/system/cpu/online", "0-1\n")
    registers.take([])
    #expect(watch.change() == nil)
  }

  @Test("what is invented is not watched")
  func simulated() throws {
    #expect(CounterWatch(try EnergySources.simulated()) == nil)
  }
}
