import Foundation
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
      "0 0x606 trace 0 16384 32",
      "0 0x606 trace 0 16384 32 /nowhere", "0 0x606 trace 0 16384 32 /etc/passwd", "0 0x606 counter 0 -1 32",
      "0 0x606 counter 0 nan 32", "0 0x606 counter 0 1 65", "0 0x606 eio 1", "0 0x606 junk",
    ])
  func refused(line: String) {
    #expect(throws: RegisterPlan.Malformed.self) { try RegisterPlan(line) }
  }

  @Test("of a trace count its energy once it plays, again if it plays again, and that of its last power around it")
  func traces() throws {
    let file = FileManager.default.temporaryDirectory.appending(
      path: "trace-\(ProcessInfo.processInfo.processIdentifier)")
    defer { try? FileManager.default.removeItem(at: file) }
    // 100 ms of 1,000 W, and 100 ms of none.
    let watts = Array(repeating: Float(1000), count: 100) + Array(repeating: Float(0), count: 100)
    try watts.flatMap { watts in (0..<4).map { UInt8(truncatingIfNeeded: watts.bitPattern >> ($0 * 8)) } }
      .withUnsafeBytes { try Data($0).write(to: file) }
    let plan = try RegisterPlan("0 0x611 trace 0x10 16384 32 \(file.path)\n0 0x639 trace 0 8192 32 \(file.path)\n")
    let cpu = TestedCPU(FaultyCPU(packages: [.constant(watts: 10)], plan: plan))
    #expect(try cpu.read(0x611, cpu: 0) == 0x10)
    let past = DispatchTime.now().uptimeNanoseconds
    // It has begun 50 ms ago: half of its energy, or a little more by now.
    #expect(cpu.apply(.play(at: Int64(past) - 50_000_000)))
    let half = Int(try cpu.read(0x611, cpu: 0)) - 0x10
    #expect((50 * 16384...100 * 16384).contains(half))
    // The whole of it, in both.
    #expect(cpu.apply(.play(at: Int64(past) - 300_000_000)))
    #expect(try cpu.read(0x611, cpu: 0) == 0x10 + 100 * 16384 && cpu.read(0x639, cpu: 0) == 100 * 8192)
    // And again, from then on.
    #expect(cpu.apply(.play(at: Int64(past) - 40_000_000)))
    #expect(try cpu.read(0x611, cpu: 0) >= 0x10 + 140 * 16384)
    #expect(!TestedCPU(FaultyCPU(packages: [.constant(watts: 10)])).apply(.play(at: 0)))
  }
}
