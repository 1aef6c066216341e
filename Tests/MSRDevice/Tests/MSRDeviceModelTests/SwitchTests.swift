import MSRDeviceModel
import PowerSources
import Testing

@Test(
  "a line of the control file is a switch, or nothing",
  arguments: [
    ("reset 0", Switch.reset(package: 0)), ("set 1 0xFFFF0000", .set(package: 1, value: 0xFFFF_0000)),
    ("set 0 17\n", .set(package: 0, value: 17)), ("zero 0 2", .zero(package: 0, .reads(2))),
    ("eio 1 on", .eio(package: 1, .on)), ("eio 1 off", .eio(package: 1, .off)),
    ("freeze 0 on", .freeze(package: 0, true)), ("enxio 3 off", .enxio(cpu: 3, false)),
    ("", nil), ("reset", nil), ("reset x", nil), ("reset 0 0", nil), ("set 0", nil), ("set 0 0x1FFFFFFFF", nil),
    ("eio 0 0", nil), ("eio 0 -1", nil), ("enxio 0 maybe", nil), ("burn 0 on", nil),
  ])
func parsing(line: String, expected: Switch?) {
  #expect(Switch(line) == expected)
}

struct FaultTests {
  private let cpu = FaultyCPU(
    SimulatedCPU(
      packages: [.constant(watts: 42.5), .constant(watts: 17.25)], cpusPerPackage: 2, counterStart: 5_000_000))

  @Test("without faults a counter begins at its start and grows")
  func plain() throws {
    let first = try cpu.read(0x611, cpu: 0)
    #expect(first >= 5_000_000)
    while try cpu.read(0x611, cpu: 0) == first {}
    #expect(try cpu.read(0x611, cpu: 0) > first)
    #expect(try cpu.read(0x606, cpu: 3) == 0xA0E03)
  }

  @Test("a reset restarts one package's counters from 0", arguments: [0x611, 0xC001_029B] as [UInt32])
  func reset(address: UInt32) throws {
    #expect(cpu.apply(.reset(package: 1)))
    #expect(try cpu.read(address, cpu: 2) < 1_000_000)
    #expect(try cpu.read(address, cpu: 0) >= 5_000_000)
  }

  @Test("zeros and errors last as long as they were asked for")
  func durations() throws {
    #expect(cpu.apply(.zero(package: 0, .reads(2))))
    #expect(try cpu.read(0x611, cpu: 0) == 0)
    #expect(try cpu.read(0x611, cpu: 1) == 0)
    #expect(try cpu.read(0x611, cpu: 0) != 0)
    #expect(cpu.apply(.eio(package: 0, .on)))
    for _ in 0..<3 { #expect(throws: RegisterError.absent(address: 0x611, cpu: 0)) { try cpu.read(0x611, cpu: 0) } }
    #expect(try cpu.read(0x611, cpu: 2) != 0)
    #expect(cpu.apply(.eio(package: 0, .off)))
    #expect(try cpu.read(0x611, cpu: 0) != 0)
  }

  @Test("a frozen counter goes on from where it stood")
  func freezing() throws {
    #expect(cpu.apply(.freeze(package: 0, true)))
    let stood = try cpu.read(0x611, cpu: 0)
    let other = try cpu.read(0x611, cpu: 2)
    while try cpu.read(0x611, cpu: 2) < other + 10_000 {}
    #expect(try cpu.read(0x611, cpu: 0) == stood)
    #expect(cpu.apply(.freeze(package: 0, false)))
    let later = try cpu.read(0x611, cpu: 0)
    #expect(later >= stood && later < stood + 10_000)
  }

  @Test("an offline CPU fails, its sibling does not")
  func offline() throws {
    #expect(cpu.apply(.enxio(cpu: 0, true)))
    #expect(!cpu.isOnline(0))
    #expect(throws: RegisterError.offline(cpu: 0)) { try cpu.read(0x611, cpu: 0) }
    #expect(try cpu.read(0x611, cpu: 1) != 0)
    #expect(!cpu.apply(.enxio(cpu: 4, true)))
    #expect(!cpu.apply(.reset(package: 2)))
  }
}
