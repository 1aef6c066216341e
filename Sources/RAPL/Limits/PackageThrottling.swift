/// What the limits did to a package, by its registers. What they do not tell is nil or missing.
public struct PackageThrottling: Sendable, Equatable {
  /// Temperatures of a package in use, in degrees Celsius. The sensor of a colder one shows nothing useful.
  private static let plausibleTemperatures = 0.0...130.0
  /// The number of values of a register that counts throttled time.
  private static let timeRange = 4_294_967_296.0

  /// How long each domain was throttled since the CPU's reset, in seconds: the register, which starts again at 0 after
  /// `throttledRangeSeconds`.
  public var throttledSeconds: [PowerDomain: Double]
  /// The time after which `throttledSeconds` start again at 0; nil if there are none.
  public var throttledRangeSeconds: Double?
  /// Why frequencies were reduced, for each part that tells.
  public var reasons: [LimitedPart: LimitReasons]
  /// The package's temperature, in degrees Celsius.
  public var celsius: CheckedNumber?

  /// Throttling from its parts.
  public init(
    throttledSeconds: [PowerDomain: Double] = [:], throttledRangeSeconds: Double? = nil,
    reasons: [LimitedPart: LimitReasons] = [:], celsius: CheckedNumber? = nil
  ) {
    self.throttledSeconds = throttledSeconds
    self.throttledRangeSeconds = throttledRangeSeconds
    self.reasons = reasons
    self.celsius = celsius
  }

  /// Decodes registers.
  ///
  /// - Parameters:
  ///   - registers: the values of those that could be read.
  ///   - units: nil if the unit register could not be read or is 0; then no time is known.
  public init(_ registers: [LimitRegister: UInt64], units: LimitUnits?, on model: LimitModel) {
    self.init()
    if let units {
      for (register, domain) in LimitModel.throttling {
        guard let value = registers[register].map({ $0 & 0xFFFF_FFFF }) else { continue }
        // On these models the register may be missing and read 0 all the same.
        if value == 0 && model.uncertain.contains(register) { continue }
        throttledSeconds[domain] = Double(value) * units.secondsPerCount
      }
      if !throttledSeconds.isEmpty { throttledRangeSeconds = Self.timeRange * units.secondsPerCount }
    }
    for (register, layout) in model.reasons {
      if let value = registers[register] { reasons[register.part] = LimitReasons(value, layout) }
    }
    if let reference = TemperatureTarget(registers, on: model)?.reference, let status = registers[.packageTemperature],
      status != 0
    {
      // Bits 22:16: degrees below the reference. Source: Intel SDM volume 4.
      let celsius = reference.value - Double(status >> 16 & 0x7F)
      self.celsius = CheckedNumber(
        celsius, isPlausible: reference.isPlausible && Self.plausibleTemperatures.contains(celsius))
    }
  }
}

/// A part of a package whose frequency may be reduced, by the name that the protocol has for it.
public enum LimitedPart: String, Sendable, CaseIterable {
  /// The cores.
  case core
  /// The graphics unit.
  case graphics
  /// The ring that connects both with the cache.
  case ring
}

extension LimitRegister {
  /// The part whose reasons it has.
  fileprivate var part: LimitedPart {
    switch self {
    case .graphicsReasons: .graphics
    case .ringReasons: .ring
    default: .core
    }
  }
}
