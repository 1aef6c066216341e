import RAPL
import Testing

@Suite("Power limits of registers")
struct PowerLimitTests {
  private static let bound = PowerBound(cores: 8)

  /// One of Intel's models.
  static func identity(_ model: Int, family: Int = 6) -> CPUIdentity {
    CPUIdentity(vendor: .intel, family: family, model: model)
  }

  private func limits(
    _ registers: [LimitRegister: UInt64], model number: Int = 0x9E, units: UInt64 = 0xA0E03, bound: PowerBound = bound
  ) -> PackageLimits {
    let model = LimitModel(Self.identity(number))
    let units = UnitRegister(units).map { LimitUnits($0, on: model) }
    return PackageLimits(registers, units: units, on: model, bound: bound)
  }

  private static func limit(
    _ name: PowerLimit.Name, _ watts: Double, _ seconds: Double?, isEnabled: Bool? = true, isClamped: Bool? = false,
    isLocked: Bool = false, isPlausible: Bool = true
  ) -> PowerLimit {
    PowerLimit(
      name: name, watts: CheckedNumber(watts, isPlausible: isPlausible),
      windowSeconds: seconds.map { CheckedNumber($0) },
      isEnabled: isEnabled, isClamped: isClamped, isLocked: isLocked)
  }

  struct Pair: CustomTestStringConvertible {
    let testDescription: String
    let register: UInt64
    let limits: [PowerLimit]
  }

  @Test(
    "PL1 and PL2 are those of MSR_PKG_POWER_LIMIT",
    arguments: [
      Pair(
        testDescription: "a laptop: 35 W over 28 s, 44 W over 2.4 ms", register: 0x0042_8160_00DC_8118,
        limits: [limit(.pl1, 35, 28), limit(.pl2, 44, 0.00244140625)]),
      Pair(
        testDescription: "locked, both clamp", register: 0x8043_8190_00DD_8078,
        limits: [
          limit(.pl1, 15, 28, isClamped: true, isLocked: true),
          limit(.pl2, 50, 0.00244140625, isClamped: true, isLocked: true),
        ]),
      Pair(
        testDescription: "PL1 set and off, PL2 not set", register: 0x00DC_0078,
        limits: [limit(.pl1, 15, 28, isEnabled: false)]),
      Pair(testDescription: "nothing set", register: 0, limits: []),
      Pair(testDescription: "nothing set, but locked", register: 1 << 63, limits: []),
      Pair(
        testDescription: "the greatest number, for no limit", register: 0xDC_FFFF,
        limits: [limit(.pl1, 4095.875, 28, isPlausible: false)]),
      Pair(
        testDescription: "0 W in force", register: 0xDC_8000, limits: [limit(.pl1, 0, 28, isPlausible: false)]),
      Pair(
        testDescription: "a quarter of a watt", register: 0xDC_8002, limits: [limit(.pl1, 0.25, 28, isPlausible: false)]
      ),
    ])
  func pair(row: Pair) {
    #expect(limits([.packageLimits: row.register]).limits == row.limits)
  }

  @Test("a time window is (1 + X/4) 2^Y units, and more than an hour is implausible")
  func windows() throws {
    for (field, seconds, isPlausible) in [
      (0, 1.0 / 1024, true), (0x21, 2.5 / 1024, true), (0x6E, 28.0, true), (0x12, 256.0, true), (0x32, 320.0, true),
      (0x75, 3584.0, true), (0x16, 4096.0, false), (0x7F, 3_670_016.0, false),
    ] as [(UInt64, Double, Bool)] {
      let limit = try #require(limits([.packageLimits: field << 17 | 0x8118]).limits.first)
      #expect(limit.windowSeconds == CheckedNumber(seconds, isPlausible: isPlausible))
    }
  }

  @Test("PL4 is in MSR_VR_CURRENT_CONFIG, with a lock of its own")
  func peak() {
    #expect(
      limits([.peakLimit: 0x8000_0348]).limits == [
        Self.limit(.pl4, 105, nil, isEnabled: nil, isClamped: nil, isLocked: true)
      ])
    #expect(limits([.peakLimit: 0]).limits.isEmpty && limits([.peakLimit: 0x8000_0000]).limits.isEmpty)
    #expect(
      limits([.peakLimit: 0x1FFF]).limits == [
        Self.limit(.pl4, 1023.875, nil, isEnabled: nil, isClamped: nil, isPlausible: false)
      ])
  }

  @Test("psys has its own limits, which are wider on Sapphire Rapids")
  func platform() {
    let usual = limits([.platformLimits: 0x0042_8320_00DC_8258])
    #expect(usual.platformLimits == [Self.limit(.pl1, 75, 28), Self.limit(.pl2, 100, 0.00244140625)])
    #expect(usual.limits.isEmpty)
    // 5,888 W need 16 bits of 1/8 W; the highest would switch a usual limit on.
    let wide = limits([.platformLimits: 0x0372_B800 | 0x2_B800 << 32], model: 0x8F)
    #expect(wide.platformLimits == [Self.limit(.pl1, 5888, 28), Self.limit(.pl2, 5888, 1.0 / 1024)])
  }

  @Test("TDP, least and greatest power are those of MSR_PKG_POWER_INFO; a field that is 0 says nothing")
  func information() {
    let server = limits([.packageInfo: 0x000A_0CE8_0240_0578], model: 0x55)
    #expect(server.tdpWatts == CheckedNumber(175) && server.leastWatts == CheckedNumber(72))
    #expect(server.mostWatts == CheckedNumber(413))
    let client = limits([.packageInfo: 0x78])
    #expect(client.tdpWatts == CheckedNumber(15) && client.leastWatts == nil && client.mostWatts == nil)
    let absurd = limits([.packageInfo: 0x0008_0300_7FFF])
    #expect(absurd.tdpWatts == CheckedNumber(4095.875, isPlausible: false))
    #expect(absurd.leastWatts == CheckedNumber(96, isPlausible: false))
    #expect(absurd.mostWatts == CheckedNumber(1, isPlausible: false))
  }

  @Test("the unit register decides what a number means")
  func units() throws {
    let finer = limits([.packageLimits: 0xDC_8118], units: 0xA0E04)
    #expect(finer.limits == [Self.limit(.pl1, 17.5, 28)])
    // A time unit of 0 is the usual one.
    #expect(limits([.packageLimits: 0xDC_8118], units: 0xE03).limits == [Self.limit(.pl1, 35, 28)])
    // Silvermont: 2^PU milliwatts, and whole seconds.
    let silvermont = limits([.packageLimits: 0x0038_807D], model: 0x37, units: 0x505)
    #expect(silvermont.limits == [Self.limit(.pl1, 4, 28)])
    let without = limits([.packageLimits: 0xDC_8118, .packageInfo: 0x78, .temperatureTarget: 0x64_0000], units: 0)
    #expect(without == PackageLimits(throttleCelsius: CheckedNumber(100)))
  }

  @Test(
    "a CPU throttles itself earlier by the offset, if it has one that can be set",
    arguments: [
      (0x9E, 0x0A64_0000, 90), (0x9E, 0x8A64_0000, 90), (0x9E, 0x4A64_0000, 90), (0x3C, 0x0A64_0000, 100),
      (0x55, 0x3A5D_0000, 83), (0x5C, 0x2869_0000, 65), (0xAA, 0x1464_0000, 80), (0x9E, 0x64_0000, 100),
    ] as [(Int, UInt64, Double)])
  func offset(model: Int, target: UInt64, celsius: Double) {
    let registers: [LimitRegister: UInt64] = [.temperatureTarget: target, .platformInfo: 1 << 30]
    #expect(limits(registers, model: model).throttleCelsius == CheckedNumber(celsius))
    let without = CheckedNumber(Double(target >> 16 & 0xFF))
    #expect(limits([.temperatureTarget: target], model: model).throttleCelsius == without)
    let unset: [LimitRegister: UInt64] = [.temperatureTarget: target, .platformInfo: ~(1 << 30)]
    #expect(limits(unset, model: model).throttleCelsius == without)
  }

  @Test("a register that could not be read says nothing")
  func missing() {
    #expect(limits([:]) == PackageLimits())
  }

  @Test("random registers give only finite numbers from 0 on, and one that cannot be true says so")
  func random() {
    var generator = SystemRandomNumberGenerator()
    let bound = PowerBound(cores: 8)
    for round in 0..<20_000 {
      let number = [0x2A, 0x3F, 0x37, 0x55, 0x5C, 0x8F, 0x9E, 0xB7, 0xFE].randomElement(using: &generator) ?? 0
      let model = LimitModel(Self.identity(number))
      // Half of them with few bits, as in real registers.
      func value() -> UInt64 {
        generator.next() & (round.isMultiple(of: 2) ? .max : generator.next() & generator.next())
      }
      let registers = Dictionary(uniqueKeysWithValues: LimitRegister.allCases.map { ($0, value()) })
      let units = UnitRegister(value()).map { LimitUnits($0, on: model) }
      let limits = PackageLimits(registers, units: units, on: model, bound: bound)
      let state = PackageThrottling(registers, units: units, on: model)
      func check(_ number: CheckedNumber?, _ range: ClosedRange<Double>) {
        guard let number else { return }
        #expect(number.value.isFinite)
        #expect(!number.isPlausible || range.contains(number.value), "\(number) of \(registers)")
      }
      for limit in limits.limits {
        check(limit.watts, 0.5...bound.watts)
        check(limit.windowSeconds, 0...3600)
      }
      for limit in limits.platformLimits { check(limit.watts, 0.5...8000) }
      for watts in [limits.tdpWatts, limits.leastWatts, limits.mostWatts] { check(watts, 0.5...bound.watts) }
      check(limits.throttleCelsius, 50...130)
      check(state.celsius, 0...130)
      #expect(state.throttledSeconds.values.allSatisfy { $0 >= 0 && $0 < state.throttledRangeSeconds ?? 0 })
    }
  }
}
