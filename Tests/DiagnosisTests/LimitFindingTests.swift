import Testing

@testable import Diagnosis

@Suite("The doctor on limits")
struct LimitFindingTests {
  /// 35 W over 28 s, 44 W for a moment, of which a bit locks both.
  private static let limits: UInt64 = 0x0042_8160_00DC_8118
  private static let lock: UInt64 = 1 << 63

  private func findings(_ machine: ComposedMachine) throws -> [Finding] {
    try machine.withRoot { Doctor.examine(try Machine(root: $0)) }.findings.filter { $0.topic == .limits }
  }

  private func machine(_ register: UInt64?, tdp: UInt64 = 35, zones: [String: Int] = [:], enabled: String? = "1")
    -> ComposedMachine
  {
    self.machine(register, tdp: tdp, texts: zones.mapValues { "\($0)000000" }, enabled: enabled)
  }

  private func machine(
    _ register: UInt64?, tdp: UInt64 = 35, texts: [String: String], enabled: String? = "1"
  ) -> ComposedMachine {
    var registers: [UInt32: [UInt64]] = [0x614: [tdp << 3]]
    if let register { registers[0x610] = [register] }
    var machine = ComposedMachine.intel("limits", model: 0x9E).intelRegisters().registers(registers)
    for (zone, text) in texts {
      let folder = "sys/class/powercap/\(zone)"
      machine = machine.text("\(folder)/name", "package-0\n").text("\(folder)/constraint_0_name", "long_term\n")
        .text("\(folder)/constraint_0_power_limit_uw", "\(text)\n")
      if let enabled { machine = machine.text("\(folder)/enabled", "\(enabled)\n") }
    }
    return machine
  }

  @Test("says nothing of limits that are as they should be, or that the machine does not tell")
  func nothing() throws {
    for register in [nil, 0, Self.limits, 0xDC_0118, 0xDC_FFFF] as [UInt64?] {
      #expect(try findings(machine(register)).isEmpty)
    }
    #expect(try findings(machine(Self.limits, zones: ["intel-rapl:0": 35])).isEmpty)
    // No TDP to compare with.
    #expect(try findings(machine(Self.limits, tdp: 0)).isEmpty)
  }

  @Test("names a limit that is lower than the TDP, and limits that are locked")
  func lowAndLocked() throws {
    let low = try findings(machine(Self.limits, tdp: 45))
    #expect(low.map(\.level) == [.ok])
    #expect(low.first?.text.contains("PL1 of package 0 is 35 W over 28 s, lower than its TDP of 45 W") == true)
    let locked = try findings(machine(Self.limits | Self.lock))
    #expect(locked.map(\.level) == [.ok])
    #expect(
      locked.first?.text.contains("locked until the next reset (PL1 35 W over 28 s, PL2 44 W over 0.0024 s)") == true,
      "\(locked)")
  }

  @Test("warns of a limit that is another one in powercap, whichever driver shows it")
  func different() throws {
    for zone in ["intel-rapl:0", "intel-rapl-mmio:0"] {
      let found = try findings(machine(Self.limits, zones: [zone: 20]))
      #expect(found.map(\.level) == [.warning] && found.first?.fix != nil)
      #expect(found.first?.text.contains("35 W over 28 s in its register, but 20 W in powercap") == true)
      #expect(found.first?.text.contains(zone) == true)
    }
  }

  @Test(
    "takes no number from a powercap file that the kernel would not write",
    arguments: ["inf", "nan", "0x1p40", "1e300", "-1", "+20000000", "20000000.5", "99999999999999999999", "", "many"])
  func junk(text: String) throws {
    #expect(try findings(machine(Self.limits, texts: ["intel-rapl-mmio:0": text])).isEmpty)
  }

  @Test("does not say that the package keeps to a limit of powercap that may be off", arguments: ["0", nil, "junk"])
  func off(enabled: String?) throws {
    let found = try findings(machine(Self.limits, zones: ["intel-rapl-mmio:0": 20], enabled: enabled))
    #expect(found.map(\.level) == [.ok])
    #expect(found.first?.text.contains("The package keeps to both") == false, "\(found)")
    #expect(found.first?.text.contains("20 W in powercap (intel-rapl-mmio:0)") == true, "\(found)")
  }
}
