import MSRDeviceModel
import PowerSources
import Testing

struct FaultyCPUTests {
  private static let start: UInt32 = 0x4000_0000
  /// Two minutes of 42.5 W in counts of the finer counter: no test takes that long.
  private static let soon: UInt64 = 120 * 43 * 65_536
  private let cpu = TestedCPU(
    FaultyCPU(packages: [.constant(watts: 42.5), .constant(watts: 17.25)], cpusPerPackage: 2, counterStart: start))

  private func counter(_ address: UInt32, _ number: Int) throws -> UInt64 {
    try cpu.read(address, cpu: number)
  }

  @Test("without faults counters begin at their start and grow", arguments: [0x611, 0xC001_029B] as [UInt32])
  func plain(address: UInt32) throws {
    let first = try counter(address, 0)
    #expect((UInt64(Self.start)...UInt64(Self.start) + Self.soon).contains(first))
    var later = first
    while later == first { later = try counter(address, 0) }
    #expect(later > first)
  }

  @Test("a reset holds for one package, both of its CPUs, and both registers")
  func reset() throws {
    #expect(cpu.apply(.reset(package: 1)))
    for address in [0x611, 0xC001_029B] as [UInt32] {
      for number in [2, 3] { #expect(try counter(address, number) < Self.soon) }
      for number in [0, 1] { #expect(try counter(address, number) >= Self.start) }
    }
  }

  @Test("a counter that was set shortly before its end wraps")
  func wrap() throws {
    #expect(cpu.apply(.set(package: 0, value: 0xFFFF_FF00)))
    while try counter(0x611, 0) >= 0xFFFF_FF00 {}
    #expect(try counter(0x611, 0) < Self.soon)
  }

  @Test("an offline CPU fails, its sibling does not, and other faults are not used up")
  func offline() throws {
    #expect(cpu.apply(.zero(package: 0, .reads(1))))
    #expect(cpu.apply(.enxio(cpu: 0, true)))
    for address in [0x611, 0x606, 0x10] as [UInt32] {
      #expect(throws: RegisterError.offline(cpu: 0)) { try cpu.read(address, cpu: 0) }
    }
    #expect(throws: DeviceError.offline) { try cpu.open(0) }
    try cpu.open(1)
    #expect(try counter(0x611, 1) == 0)
    #expect(cpu.apply(.enxio(cpu: 0, false)))
    try cpu.open(0)
    #expect(try counter(0x611, 0) != 0)
  }

  @Test(
    "packages and CPUs that are not there are refused",
    arguments: [
      "reset 2", "set 2 1", "zero 2 1", "eio 2 on", "freeze 2 on", "freeze 2 off", "enxio 4 on", "enxio 4 off",
    ])
  func unknown(command: String) {
    #expect(throws: DeviceError.invalid) { try cpu.control(command) }
  }

  @Test("the energy report counts what the load drew, whatever the counters show, and reads with failed ones")
  func report() throws {
    #expect(cpu.apply(.reset(package: 0)))
    #expect(cpu.apply(.freeze(package: 0, true)))
    #expect(cpu.apply(.eio(package: 1, .on)))
    _ = try counter(0x611, 0)
    for number in [2, 3] { _ = try? counter(0x611, number) }
    _ = try counter(0x606, 0)
    var rows: [[Double]] = [[0, 0, 0]]
    while rows[0][1] < 1 {
      rows = cpu.energyReport.split(separator: "\n").map { $0.split(separator: " ").compactMap { Double($0) } }
      try #require(rows.map(\.count) == [3, 3])
    }
    #expect(rows.map { $0[0] } == [0, 1])
    #expect(rows.map { $0[2] } == [1, 2])
    #expect(abs(rows[0][1] / rows[1][1] - 42.5 / 17.25) < 0.001)
  }

  @Test("its unit register can be made to lie")
  func units() throws {
    var lying = FaultyCPU(packages: [.constant(watts: 1)], units: 0xA1003)
    #expect(try lying.read(0x606, cpu: 0) == 0xA1003 && lying.read(0xC001_0299, cpu: 0) == 0xA1000)
  }
}
