import MSRDeviceModel
import PowerSources
import Testing

@Suite("Planned registers")
struct PlanTests {
  private static let text = """
    0-1 0x606 value 0xA0E03
    0-1 0x611 counter 0xFFFFFFFF 1000000 32
    0,1 0x619 eio
    1 0xC001029B counter 0xFFFFFFFF 1000000 64

    """

  @Test("read what the plan says, and others 0, whatever the simulated CPU has")
  func reads() async throws {
    var cpu = FaultyCPU(packages: [.constant(watts: 10)], plan: try RegisterPlan(Self.text))
    #expect(try cpu.read(0x606, cpu: 1) == 0xA0E03)
    #expect(try cpu.read(0x64D, cpu: 0) == 0 && cpu.read(0xC001_029B, cpu: 0) == 0)
    #expect(throws: RegisterError.absent(address: 0x619, cpu: 1)) { try cpu.read(0x619, cpu: 1) }
    #expect(throws: RegisterError.offline(cpu: 2)) { try cpu.read(0x606, cpu: 2) }
    try await Task.sleep(for: .milliseconds(5))
    // 32 bits have wrapped, 64 have not.
    let (narrow, wide) = (try cpu.read(0x611, cpu: 0), try cpu.read(0xC001_029B, cpu: 1))
    #expect(narrow < 0x8000_0000 && wide > 0xFFFF_FFFF && narrow % 1000 == 999 && wide - narrow >= 1 << 32)
  }

  @Test(
    "that are none are refused",
    arguments: [
      "0", "0 0x606", "x 0x606 value 1", "0 606x value 1", "0 0x606 value", "0 0x606 value -1", "0 0x606 counter 0 1",
      "0 0x606 counter 0 -1 32", "0 0x606 counter 0 nan 32", "0 0x606 counter 0 1 65", "0 0x606 eio 1", "0 0x606 junk",
    ])
  func refused(line: String) {
    #expect(throws: RegisterPlan.Malformed.self) { try RegisterPlan(line) }
  }
}
