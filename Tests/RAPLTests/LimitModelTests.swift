import RAPL
import Testing

@Suite("Registers with limits, and throttling")
struct LimitModelTests {
  private static func model(_ number: Int, family: Int = 6) -> LimitModel {
    LimitModel(PowerLimitTests.identity(number, family: family))
  }

  private static let everywhere: Set<LimitRegister> = [
    .packageLimits, .packageInfo, .temperatureTarget, .packageTemperature, .platformInfo,
  ]
  /// Without an offset of temperature.
  private static let early = everywhere.subtracting([.platformInfo])
  private static let server = everywhere.union([.packageThrottling, .dramThrottling])
  private static let client = server.union([
    .peakLimit, .platformLimits, .coreReasons, .graphicsReasons, .ringReasons,
  ])

  @Test(
    "a model is read only where it has a limit",
    arguments: [
      ([0x2A, 0x3A], early),
      ([0x2D], early.union([.packageThrottling, .dramThrottling, .coreThrottling])),
      ([0x3E], server.union([.coreThrottling])),
      ([0x3C, 0x45, 0x46], early.union([.olderCoreReasons, .graphicsReasons, .ringReasons])),
      ([0x3D, 0x47], everywhere.union([.olderCoreReasons, .graphicsReasons, .ringReasons])),
      ([0x3F, 0x4F, 0x56, 0x57, 0x85], server.union([.olderCoreReasons])),
      ([0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA7, 0x7E, 0x8C, 0x97, 0xB7, 0xAA, 0xC6, 0xBD, 0xCC], client),
      ([0x55], server.union([.coreReasons])),
      ([0x6A, 0x6C, 0x8F, 0xCF], server.union([.coreReasons, .platformLimits])),
      ([0xAD, 0xAE, 0xAF, 0xDD, 0xB6], server),
      ([0x37, 0x4A, 0x4C, 0x4D, 0x5A], everywhere.subtracting([.packageInfo])),
      ([0x5C, 0x7A], everywhere.union([.coreReasons])),
      ([0x5F, 0x86, 0x96, 0x9C], server.union([.coreReasons])),
      // Unknown
      ([0xFE], server),
      // Before RAPL
      ([0x17, 0x1A, 0x2C], []),
    ] as [([Int], Set<LimitRegister>)])
  func registers(models: [Int], registers: Set<LimitRegister>) {
    for number in models { #expect(Self.model(number).registers == registers, "model \(number)") }
  }

  @Test("Nova Lake has a client's limits, Diamond Rapids and AMD have none in registers")
  func others() {
    #expect(Self.model(1, family: 18).registers == Self.client)
    #expect(Self.model(1, family: 19).registers.isEmpty)
    #expect(LimitModel(CPUIdentity(vendor: .amd, family: 0x19, model: 0x21)).registers.isEmpty)
    #expect(LimitModel(CPUIdentity(vendor: .other("x"), family: 6, model: 0x9E)).registers.isEmpty)
  }

  private func state(_ registers: [LimitRegister: UInt64], model number: Int = 0x9E) throws -> PackageThrottling {
    let model = Self.model(number)
    let units = LimitUnits(try #require(UnitRegister(0xA0E03)), on: model)
    let all = registers.merging([.temperatureTarget: 0x0A64_0000, .platformInfo: 1 << 30]) { given, _ in given }
    return PackageThrottling(all, units: units, on: model)
  }

  @Test("throttled time is the low 32 bits in time units, and starts again at 0")
  func throttledTime() throws {
    let state = try state([.packageThrottling: 0xFFFF_FFFF_0000_0A00, .dramThrottling: 0])
    #expect(state.throttledSeconds == [.package: 2.5, .dram: 0])
    #expect(state.throttledRangeSeconds == 4_194_304)
    #expect(try self.state([:]) == PackageThrottling())
  }

  @Test("0 in a register that the model may not have says nothing")
  func uncertain() throws {
    #expect(try state([.coreThrottling: 0, .packageThrottling: 0], model: 0x2D).throttledSeconds == [.package: 0])
    #expect(try state([.coreThrottling: 1024], model: 0x2D).throttledSeconds == [.core: 1])
    #expect(try state([.packageThrottling: 0], model: 0xFE) == PackageThrottling())
    #expect(try state([.packageThrottling: 512], model: 0xFE).throttledSeconds == [.package: 0.5])
  }

  struct Reasons: CustomTestStringConvertible {
    let testDescription: String
    let model: Int
    let register: LimitRegister
    var value: UInt64 = 0
    let part: LimitedPart
    let active: [LimitReason]
    var logged: [LimitReason] = []
  }

  @Test(
    "reasons are those of the model's own bits",
    arguments: [
      Reasons(
        testDescription: "a client", model: 0x9E, register: .coreReasons, value: 0x0402_0402, part: .core,
        active: [.thermal, .pl1], logged: [.thermal, .pl1]),
      Reasons(
        testDescription: "its graphics", model: 0x9E, register: .graphicsReasons, value: 0x1000_0800, part: .graphics,
        active: [.pl2], logged: [.inefficient]),
      Reasons(
        testDescription: "its ring", model: 0x9E, register: .ringReasons, value: 0x80_0001, part: .ring,
        active: [.prochot], logged: [.voltageRegulatorCurrent]),
      Reasons(
        testDescription: "Haswell", model: 0x3C, register: .olderCoreReasons, value: 0x2000_0200, part: .core,
        active: [.partPower], logged: [.turboTransitions]),
      Reasons(
        testDescription: "Haswell-EP, where bit 10 is another reason", model: 0x3F, register: .olderCoreReasons,
        value: 0x0004_0400,
        part: .core, active: [.maximumTurbo], logged: [.powerBudget]),
      Reasons(
        testDescription: "Goldmont, where PL1 is bit 2", model: 0x5C, register: .coreReasons, value: 0x0008_0004,
        part: .core,
        active: [.pl1], logged: [.pl2]),
      Reasons(
        testDescription: "Xeon Phi, without log bits", model: 0x57, register: .olderCoreReasons, value: 0xFFFF_0101,
        part: .core,
        active: [.prochot, .electrical]),
      Reasons(
        testDescription: "reserved bits", model: 0x9E, register: .coreReasons, value: 0xFFFF_FFFF_C20C_C20C,
        part: .core,
        active: [], logged: []),
      Reasons(testDescription: "none", model: 0x9E, register: .coreReasons, value: 0, part: .core, active: []),
    ])
  func reasons(row: Reasons) throws {
    let state = try state([row.register: row.value], model: row.model)
    #expect(state.reasons == [row.part: LimitReasons(active: row.active, logged: row.logged)])
  }

  @Test("a register of another model is not taken for this one's")
  func otherModels() throws {
    #expect(try state([.olderCoreReasons: 1], model: 0x9E).reasons.isEmpty)
    #expect(try state([.coreReasons: 1], model: 0x3C).reasons.isEmpty)
  }

  @Test("the package's temperature is below the one at which it throttles itself")
  func temperature() throws {
    #expect(try state([.packageTemperature: 0x8827_0000]).celsius == CheckedNumber(61))
    #expect(try state([.packageTemperature: 0x1]).celsius == CheckedNumber(100))
    #expect(try state([.packageTemperature: 0x7F_0000]).celsius == CheckedNumber(-27, isPlausible: false))
    // 0 is no reading, and without the target it is unknown.
    #expect(try state([.packageTemperature: 0]).celsius == nil)
    let model = Self.model(0x9E)
    #expect(PackageThrottling([.packageTemperature: 0x8827_0000], units: nil, on: model).celsius == nil)
  }

  @Test("what reveals power is known")
  func revealing() {
    let harmless: Set<LimitRegister> = [
      .packageLimits, .peakLimit, .packageInfo, .platformLimits, .temperatureTarget, .platformInfo,
    ]
    #expect(Set(LimitRegister.allCases.filter { !$0.revealsPower }) == harmless)
  }
}
