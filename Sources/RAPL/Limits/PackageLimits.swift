/// What limits a package's power, by its registers. What they do not tell is nil or missing.
public struct PackageLimits: Sendable, Equatable {
  /// PL1, PL2 and PL4 of the package, as far as it has them.
  public var limits: [PowerLimit]
  /// PL1 and PL2 of the platform (psys).
  public var platformLimits: [PowerLimit]
  /// The thermal design power, in watts.
  public var tdpWatts: CheckedNumber?
  /// The least power that a limit may be set to, in watts.
  public var leastWatts: CheckedNumber?
  /// The greatest power that a limit may be set to, in watts.
  public var mostWatts: CheckedNumber?
  /// The temperature at which the CPU throttles itself, in degrees Celsius.
  public var throttleCelsius: CheckedNumber?

  /// Limits from their parts.
  public init(
    limits: [PowerLimit] = [], platformLimits: [PowerLimit] = [], tdpWatts: CheckedNumber? = nil,
    leastWatts: CheckedNumber? = nil, mostWatts: CheckedNumber? = nil, throttleCelsius: CheckedNumber? = nil
  ) {
    self.limits = limits
    self.platformLimits = platformLimits
    self.tdpWatts = tdpWatts
    self.leastWatts = leastWatts
    self.mostWatts = mostWatts
    self.throttleCelsius = throttleCelsius
  }

  /// Decodes registers.
  ///
  /// - Parameters:
  ///   - registers: the values of those that could be read.
  ///   - units: nil if the unit register could not be read or is 0; then no power is known.
  ///   - bound: a power that the package does not reach.
  public init(_ registers: [LimitRegister: UInt64], units: LimitUnits?, on model: LimitModel, bound: PowerBound) {
    self.init()
    throttleCelsius = TemperatureTarget(registers, on: model)?.throttling
    guard let units else { return }
    if let register = registers[.packageLimits] {
      limits = PowerLimit.pair(register, .usual, units, bound: bound)
    }
    if let register = registers[.peakLimit], let peak = PowerLimit.peak(register, units, bound: bound) {
      limits.append(peak)
    }
    if let register = registers[.platformLimits] {
      platformLimits = PowerLimit.pair(register, model.platformLayout, units, bound: bound.of(.psys))
    }
    if let register = registers[.packageInfo] {
      take(info: register, units, bound)
    }
  }

  /// MSR_PKG_POWER_INFO: TDP 14:0, least 30:16, greatest 46:32. A field that is 0 says nothing. Source: Intel SDM volume 4.
  private mutating func take(info: UInt64, _ units: LimitUnits, _ bound: PowerBound) {
    let fields = [info, info >> 16, info >> 32].map { Double($0 & 0x7FFF) * units.wattsPerCount }
    // Of two that contradict each other, neither can be trusted.
    let isOrdered = fields[1] == 0 || fields[2] == 0 || fields[1] <= fields[2]
    let numbers = fields.enumerated().map { index, watts -> CheckedNumber? in
      guard watts > 0 else { return nil }
      let number = CheckedNumber(watts: watts, bound: bound)
      return index == 0 || isOrdered ? number : CheckedNumber(watts, isPlausible: false)
    }
    (tdpWatts, leastWatts, mostWatts) = (numbers[0], numbers[1], numbers[2])
  }
}
