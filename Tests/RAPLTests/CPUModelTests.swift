import RAPL
import Testing

@Suite("Units and domains of CPU models")
struct CPUModelTests {
  private static let all: Set<PowerDomain> = [.core, .uncore, .dram, .psys]
  private static let register = 1.0 / 16_384

  struct Row: CustomTestStringConvertible {
    let models: [Int]
    var family = 6
    let domains: Set<PowerDomain>?
    var package = register
    var dram = register
    var psys = register
    var testDescription: String { models.map { String($0, radix: 16) }.joined(separator: " ") }
  }

  @Test(
    "Intel models have the domains and units of the sources that the table names",
    arguments: [
      Row(models: [0x2A, 0x3A], domains: [.core, .uncore]),
      Row(models: [0x2D, 0x3E], domains: [.core, .dram]),
      Row(models: [0x3C, 0x45, 0x46, 0x3D, 0x47], domains: [.core, .uncore, .dram]),
      Row(models: [0x3F, 0x4F, 0x56, 0x55, 0x57, 0x85], domains: [.dram], dram: 1 / 65_536),
      Row(models: [0x6A, 0x6C], domains: [.dram, .psys], dram: 1 / 65_536),
      Row(
        models: [0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6, 0x66, 0x7D, 0x7E, 0x8C, 0x8D, 0xA7, 0x9D, 0x8A], domains: all),
      Row(
        models: [0x97, 0x9A, 0xBE, 0xB7, 0xBA, 0xBF, 0xAA, 0xAC, 0xC5, 0xC6, 0xB5, 0xBD, 0xCC, 0xE5, 0xD5, 0xD7],
        domains: all),
      Row(models: [0x01, 0x03], family: 18, domains: all),
      Row(models: [0x8F, 0xCF, 0xAD, 0xAE], domains: [.dram, .psys], psys: 1),
      Row(models: [0xAF, 0xDD, 0xB6], domains: [.dram, .psys]),
      Row(models: [0x37, 0x4C, 0x4A, 0x5A], domains: [.core], package: 0.016384),
      Row(models: [0x4D], domains: [.core]),
      Row(models: [0x5C, 0x7A, 0x5F, 0x86, 0x96, 0x9C], domains: nil),
      Row(models: [0xFE], domains: nil),
      Row(models: [0x02], family: 18, domains: nil),
    ])
  func intel(row: Row) throws {
    let units = try #require(UnitRegister(0xA0E03))
    for number in row.models {
      let model = CPUModel(CPUIdentity(vendor: .intel, family: row.family, model: number))
      #expect(model.domains == row.domains)
      #expect(model.hasRegisters)
      for domain in [PowerDomain.package, .core, .uncore] {
        #expect(units.energyUnit(of: domain, on: model).joulesPerCount == row.package)
      }
      #expect(units.energyUnit(of: .dram, on: model).joulesPerCount == row.dram)
      #expect(units.energyUnit(of: .psys, on: model).joulesPerCount == row.psys)
    }
  }

  @Test("an unknown model is measured by its register, and says so")
  func unknown() throws {
    let model = CPUModel(CPUIdentity(vendor: .intel, family: 6, model: 0xFE))
    #expect(!model.isKnown)
    #expect(try #require(UnitRegister(0xA0E03)).energyUnit(of: .dram, on: model).source == .register)
    let known = CPUModel(CPUIdentity(vendor: .intel, family: 6, model: 0x55))
    #expect(known.isKnown)
    #expect(try #require(UnitRegister(0xA0E03)).energyUnit(of: .dram, on: known).source == .model)
  }

  @Test(
    "a model from before RAPL is known to be",
    arguments: [
      (.intel, 6, [0x0F, 0x17, 0x1A, 0x1C, 0x1E, 0x1F, 0x25, 0x26, 0x27, 0x2C, 0x2E, 0x2F, 0x35, 0x36]),
      (.intel, 5, [2, 9]), (.intel, 15, [1, 3, 4, 6]), (.amd, 0x0F, [0x6B]), (.amd, 0x15, [0x02, 0x60]),
      (.amd, 0x16, [0x30]),
    ] as [(CPUVendor, Int, [Int])])
  func older(vendor: CPUVendor, family: Int, models: [Int]) {
    for model in models {
      #expect(CPUModel(CPUIdentity(vendor: vendor, family: family, model: model)).standing == .olderThanRAPL)
    }
  }

  @Test(
    "no model with the registers is taken for an older one",
    arguments: [
      (.intel, 6, 0x2A), (.intel, 6, 0x2D), (.intel, 6, 0x37), (.intel, 6, 0xFE), (.intel, 18, 1), (.intel, 19, 2),
      (.amd, 0x17, 1), (.amd, 0x1B, 0), (.hygon, 0x18, 1),
    ] as [(CPUVendor, Int, Int)])
  func notOlder(vendor: CPUVendor, family: Int, model: Int) {
    #expect(CPUModel(CPUIdentity(vendor: vendor, family: family, model: model)).standing != .olderThanRAPL)
  }

  @Test("Bay Trail's unit is 2^ESU microjoules")
  func bayTrail() throws {
    let model = CPUModel(CPUIdentity(vendor: .intel, family: 6, model: 0x37))
    let unit = try #require(UnitRegister(0x505)).energyUnit(of: .package, on: model)
    #expect(unit.joulesPerCount == 32e-6 && unit.source == .model)
  }

  @Test("Diamond Rapids has no registers")
  func diamondRapids() {
    #expect(!CPUModel(CPUIdentity(vendor: .intel, family: 19, model: 1)).hasRegisters)
  }

  @Test("AMD and Hygon have package and core, by their own registers", arguments: [CPUVendor.amd, .hygon])
  func amd(vendor: CPUVendor) throws {
    let model = CPUModel(CPUIdentity(vendor: vendor, family: 0x19, model: 0x21))
    #expect(model.domains == [.core])
    let map = try #require(RegisterMap(vendor: vendor))
    #expect(map.units == 0xC001_0299)
    #expect(map.energy(of: .package) == 0xC001_029B && map.energy(of: .core) == 0xC001_029A)
    #expect(map.energy(of: .dram) == nil && map.energy(of: .uncore) == nil && map.energy(of: .psys) == nil)
    #expect(try #require(UnitRegister(0xA1000)).energyUnit(of: .package, on: model).joulesPerCount == 1 / 65_536)
  }

  @Test("Intel's registers are those of the manual")
  func intelRegisters() {
    #expect(RegisterMap.intel.units == 0x606)
    #expect(PowerDomain.allCases.map { RegisterMap.intel.energy(of: $0) } == [0x611, 0x639, 0x641, 0x619, 0x64D])
    #expect(RegisterMap(vendor: .other("CentaurHauls")) == nil)
  }

  @Test(
    "the unit register's fields are decoded, except of 0",
    arguments: [(0xA0E03, 14, 3), (0xA1003, 16, 3), (0xA1000, 16, 0), (0x505, 5, 5), (0xFFFF_FFFF, 31, 15)]
      as [(UInt64, Int, Int)])
  func decoding(value: UInt64, energy: Int, power: Int) throws {
    let units = try #require(UnitRegister(value))
    #expect(units.energyExponent == energy && units.powerExponent == power)
    #expect(UnitRegister(0) == nil)
  }

  @Test("no real package reaches the bound of its cores")
  func bound() {
    // Reported: a handheld, a laptop's and a desktop's turbo, limits lifted on a desktop and on workstations.
    for (cores, real) in [(4, 60.0), (4, 64), (8, 250), (16, 400), (24, 600), (56, 1900), (96, 2000)] {
      #expect(PowerBound(cores: cores).watts > real * 1.5)
    }
    #expect(PowerBound(cores: 16).watts == 1160 && PowerBound(cores: 0).watts == 260)
    #expect(PowerBound(cores: nil).watts == PowerBound(cores: 64).watts)
    #expect(PowerBound(cores: 512).watts == PowerBound.highest.watts)
  }

  @Test("a bound of 1.2 kW or less takes one and a half looks a minute at most, on every unit that CPUs have")
  func looks() {
    // 2^-16 J, 2^-14 J, Sapphire Rapids' DRAM, Bay Trail.
    for joulesPerCount in [0x1p-16, 0x1p-14, 0.000_061, 0.000_032] {
      for cores in 1...16 {
        #expect(
          60
            / PowerBound(cores: cores).longestCertainSeconds(
              unit: EnergyUnit(joulesPerCount: joulesPerCount), range: 1 << 32) <= 1.5)
      }
    }
    #expect(
      60 / PowerBound(watts: 4000).longestCertainSeconds(unit: EnergyUnit(joulesPerCount: 0x1p-16), range: 1 << 32)
        < 5.5)
  }
}
