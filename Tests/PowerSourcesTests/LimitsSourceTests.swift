import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// Registers with these values; all others fault. Remembers what was read.
private final class FixedRegisters: RegisterFile {
  let values: [UInt32: UInt64]
  let reads = Mutex<[UInt32]>([])

  init(_ values: [UInt32: UInt64]) { self.values = values }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    reads.withLock { $0.append(address) }
    guard let value = values[address] else { throw .absent(address: address, cpu: cpu) }
    return value
  }
}

@Suite("Where limits are read")
struct LimitsSourceTests {
  private static let units: UInt64 = 0xA0E03

  private func source(_ registers: FixedRegisters, model: Int = 0x9E, vendor: CPUVendor = .intel) throws
    -> LimitsSource?
  {
    let identity = CPUIdentity(vendor: vendor, family: 6, model: model)
    let package = PackageCPUs(id: PackageID(package: 0), cpus: [0], cores: 8)
    let reader = CounterReader(0x606, of: package, registers)
    let units = try #require(UnitRegister(Self.units))
    let limits = RegisterLimits(
      of: package.id, LimitModel(identity), units, bound: PowerBound(cores: 8), like: reader)
    return LimitsSource(.msr, limits.map { [$0] } ?? [])
  }

  @Test("each register of the model is read once for each reading, none before, and one that faults is missing")
  func registers() throws {
    let registers = FixedRegisters([
      0x610: 0x0042_8160_00DC_8118, 0x614: 0x168, 0x613: 0xA00, 0x64F: 0x0400_0400, 0x1A2: 0x0A64_0000,
      0x1B1: 0x8827_0000, 0xCE: 1 << 30,
    ])
    var source = try #require(try source(registers))
    #expect(registers.reads.withLock { $0.isEmpty })
    let reading = try #require(source.read().first)
    #expect(Set(registers.reads.withLock { $0 }).count == registers.reads.withLock { $0.count })
    #expect(reading.limits.limits.map(\.watts.value) == [35, 44] && reading.limits.tdpWatts == CheckedNumber(45))
    #expect(reading.throttling.throttledSeconds == [.package: 2.5] && reading.throttling.celsius == CheckedNumber(61))
    #expect(reading.throttling.reasons == [.core: LimitReasons(active: [.pl1], logged: [.pl1])])
    #expect(reading.limits.platformLimits.isEmpty)
    // The temperature is told from the usual limit, not from the one that the offset lowers.
    #expect(reading.limits.throttleCelsius == CheckedNumber(90))
  }

  @Test("a register that is another one's on this model is not touched")
  func others() throws {
    let registers = FixedRegisters([:])
    var source = try #require(try source(registers, model: 0x3C))
    #expect(
      source.read() == [
        LimitsReading(package: PackageID(package: 0), limits: PackageLimits(), throttling: PackageThrottling())
      ])
    #expect(!registers.reads.withLock { $0.contains(0x601) || $0.contains(0x64F) })
    #expect(try self.source(registers, vendor: .amd) == nil)
  }

  /// A machine whose zones have these files.
  private func zones(_ files: [String: String]) throws -> (source: LimitsSource?, root: String) {
    let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
    for (path, text) in files {
      let file = "\(root)/sys/class/powercap/\(path)"
      try FileManager.default.createDirectory(
        atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try (text + "\n").write(toFile: file, atomically: false, encoding: .utf8)
    }
    let tree = MachineTree(root: root)
    let entries = try PowercapTree(tree).entries(vendor: .intel)
    return (LimitsSource(zones: entries, of: [], tree), root)
  }

  @Test("powercap's constraints are the limits of its zones, and tell nothing else")
  func powercap() throws {
    let (opened, root) = try zones([
      "intel-rapl:0/name": "package-0", "intel-rapl:0/enabled": "1",
      "intel-rapl:0/constraint_0_name": "long_term", "intel-rapl:0/constraint_0_power_limit_uw": "35000000",
      "intel-rapl:0/constraint_0_time_window_us": "27983872", "intel-rapl:0/constraint_0_max_power_uw": "45000000",
      "intel-rapl:0/constraint_1_name": "short_term", "intel-rapl:0/constraint_1_power_limit_uw": "44000000",
      "intel-rapl:0/constraint_1_time_window_us": "2440", "intel-rapl:0/constraint_1_max_power_uw": "0",
      "intel-rapl:0/constraint_2_name": "peak_power", "intel-rapl:0/constraint_2_power_limit_uw": "105000000",
      "intel-rapl:0/constraint_2_time_window_us": "7", "intel-rapl:1/name": "psys", "intel-rapl:1/enabled": "0",
      "intel-rapl:1/constraint_0_name": "long_term", "intel-rapl:1/constraint_0_power_limit_uw": "0",
      "intel-rapl:1/constraint_0_time_window_us": "976", "intel-rapl:1/constraint_1_name": "short_term",
      "intel-rapl:1/constraint_1_power_limit_uw": "0", "intel-rapl:1/constraint_1_time_window_us": "0",
    ])
    defer { try? FileManager.default.removeItem(atPath: root) }
    var source = try #require(opened)
    #expect(source.origin == .powercap)
    let reading = try #require(source.read().first)
    #expect(
      reading.limits
        == PackageLimits(
          limits: [
            PowerLimit(
              name: .pl1, watts: CheckedNumber(35), windowSeconds: CheckedNumber(27.983872), isEnabled: true,
              isClamped: nil, isLocked: false),
            PowerLimit(
              name: .pl2, watts: CheckedNumber(44), windowSeconds: CheckedNumber(0.00244), isEnabled: nil,
              isClamped: nil,
              isLocked: nil),
            PowerLimit(
              name: .pl4, watts: CheckedNumber(105), windowSeconds: nil, isEnabled: nil, isClamped: nil, isLocked: nil),
          ],
          platformLimits: [
            PowerLimit(
              name: .pl1, watts: CheckedNumber(0, isPlausible: false), windowSeconds: CheckedNumber(0.000976),
              isEnabled: nil, isClamped: nil, isLocked: nil)
          ], tdpWatts: CheckedNumber(45)))
    #expect(reading.throttling == PackageThrottling())
    // A limit that is changed is read anew.
    try "28000000\n".write(
      toFile: root + "/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw", atomically: false, encoding: .utf8)
    #expect(source.read().first?.limits.limits.first?.watts == CheckedNumber(28))
  }

  @Test("a zone without constraints, as AMD's, tells no limits; one whose files are junk has none")
  func none() throws {
    let (without, first) = try zones(["intel-rapl:0/name": "package-0", "intel-rapl:0/enabled": "0"])
    defer { try? FileManager.default.removeItem(atPath: first) }
    #expect(without == nil)
    let (junk, second) = try zones([
      "intel-rapl:0/name": "package-0", "intel-rapl:0/constraint_0_name": "long_term",
      "intel-rapl:0/constraint_0_power_limit_uw": "much", "intel-rapl:0/constraint_0_time_window_us": "-1",
      "intel-rapl:0/constraint_1_name": "a new one", "intel-rapl:0/constraint_1_power_limit_uw": "1000000",
    ])
    defer { try? FileManager.default.removeItem(atPath: second) }
    var source = try #require(junk)
    #expect(source.read().map(\.limits) == [PackageLimits()])
  }
}
