/// A limit that a package, or the platform, keeps by itself.
public struct PowerLimit: Sendable, Equatable {
  /// The limits by Intel's names, and by the names that the protocol has for them.
  public enum Name: String, Sendable, CaseIterable {
    /// The mean over a long time window.
    case pl1
    /// The mean over a short one.
    case pl2
    /// The power of any moment.
    case pl4
  }

  /// Which limit it is.
  public let name: Name
  /// The limit in watts.
  public let watts: CheckedNumber
  /// The time over which the mean power must not exceed it, in seconds; nil for PL4, which is that of any moment.
  public let windowSeconds: CheckedNumber?
  /// Whether it is in force; nil if the register does not tell.
  public let isEnabled: Bool?
  /// Whether the CPU may go below the frequency that the system asks for; nil if the register does not tell.
  public let isClamped: Bool?
  /// Whether it cannot be changed before the next reset; nil if the source does not tell.
  public let isLocked: Bool?

  /// A limit from its parts.
  public init(
    name: Name, watts: CheckedNumber, windowSeconds: CheckedNumber?, isEnabled: Bool?, isClamped: Bool?, isLocked: Bool?
  ) {
    self.name = name
    self.watts = watts
    self.windowSeconds = windowSeconds
    self.isEnabled = isEnabled
    self.isClamped = isClamped
    self.isLocked = isLocked
  }

  /// The places of the fields in a register with PL1 in its lower half and PL2 in its upper one; bit 63 locks both.
  ///
  /// Sources: Intel SDM volume 4, MSR_PKG_POWER_LIMIT and MSR_PLATFORM_POWER_LIMIT; Linux drivers/powercap/intel_rapl_msr.c.
  enum Layout: Sendable, Equatable {
    /// Power 14:0, enabled 15, clamping 16, window 23:17.
    case usual
    /// psys of Sapphire and Emerald Rapids: power 16:0, enabled 17, clamping 18, window 25:19.
    case wide

    fileprivate var powerBits: UInt64 { self == .usual ? 15 : 17 }
  }

  /// PL1 and PL2; a half in which nothing is set is no limit.
  static func pair(_ register: UInt64, _ layout: Layout, _ units: LimitUnits, bound: PowerBound) -> [Self] {
    [(Name.pl1, register), (.pl2, register >> 32)].compactMap { name, half in
      let power = layout.powerBits
      guard half & ((1 << (power + 9)) - 1) != 0 else { return nil }
      let window = units.window(half >> (power + 2) & 0x7F)
      return Self(
        name: name,
        watts: CheckedNumber(watts: Double(half & ((1 << power) - 1)) * units.wattsPerCount, bound: bound),
        windowSeconds: CheckedNumber(windowSeconds: window),
        isEnabled: half >> power & 1 == 1, isClamped: half >> (power + 1) & 1 == 1, isLocked: register >> 63 == 1)
    }
  }

  /// PL4: power 12:0, lock 31; nil if there is none.
  ///
  /// Sources: Intel SDM volume 4, MSR_VR_CURRENT_CONFIG; turbostat.
  static func peak(_ register: UInt64, _ units: LimitUnits, bound: PowerBound) -> Self? {
    let counts = register & 0x1FFF
    guard counts != 0 else { return nil }
    return Self(
      name: .pl4, watts: CheckedNumber(watts: Double(counts) * units.wattsPerCount, bound: bound), windowSeconds: nil,
      isEnabled: nil, isClamped: nil, isLocked: register >> 31 & 1 == 1)
  }
}
