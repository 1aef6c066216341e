/// The units of power and time in registers with limits.
///
/// Source: Intel SDM volume 4, MSR_RAPL_POWER_UNIT, which differs for Silvermont and Airmont.
public struct LimitUnits: Sendable, Equatable {
  /// Bits 19:16 if the register leaves them at 0: the default of 976 us. turbostat takes the same.
  private static let defaultTimeExponent = 0xA

  /// Watts for each count.
  public let wattsPerCount: Double
  /// Seconds for each count.
  public let secondsPerCount: Double
  private let rule: LimitModel.UnitRule

  /// The units of a model.
  ///
  /// - Parameter register: the value of the unit register.
  public init(_ register: UnitRegister, on model: LimitModel) {
    rule = model.unit
    let time = register.timeExponent
    switch rule {
    case .register:
      wattsPerCount = 1 / Double(1 << register.powerExponent)
      secondsPerCount = 1 / Double(1 << (time == 0 ? Self.defaultTimeExponent : time))
    case .registerMilliwatts:
      wattsPerCount = Double(1 << register.powerExponent) / 1000
      secondsPerCount = 1 / Double(1 << time)
    }
  }

  /// The time window of a limit, in seconds.
  ///
  /// - Parameter field: its seven bits: (1 + X/4) * 2^Y, with X in the upper two and Y in the lower five; in Silvermont and
  ///   Airmont a plain number, in which 0 stands for 1.
  func window(_ field: UInt64) -> Double {
    switch rule {
    case .register: (1 + Double(field >> 5 & 3) / 4) * Double(UInt64(1) << (field & 0x1F)) * secondsPerCount
    case .registerMilliwatts: Double(max(field & 0x7F, 1)) * secondsPerCount
    }
  }
}
