/// The temperatures that MSR_TEMPERATURE_TARGET tells.
///
/// Sources: Intel SDM volume 4, MSR_TEMPERATURE_TARGET and MSR_PLATFORM_INFO; Linux drivers/thermal/intel/intel_tcc.c; turbostat.
struct TemperatureTarget {
  /// Temperatures, in degrees Celsius, at which CPUs throttle themselves.
  private static let plausible = 50.0...130.0

  /// The temperature from which the sensors count down, in degrees Celsius: at which the CPU throttles itself if nobody has set an
  /// offset.
  let reference: CheckedNumber
  /// The temperature at which it throttles itself, in degrees Celsius: lower by the offset that firmware or a program has set.
  let throttling: CheckedNumber

  /// - Returns: nil if the register could not be read or is 0.
  init?(_ registers: [LimitRegister: UInt64], on model: LimitModel) {
    guard let register = registers[.temperatureTarget], register >> 16 & 0xFF > 0 else { return nil }
    let celsius = Double(register >> 16 & 0xFF)
    // Bit 30: the offset is valid and can be set.
    let hasOffset = registers[.platformInfo].map { $0 >> 30 & 1 == 1 } ?? false
    let offset = hasOffset ? Double(register >> 24 & model.offsetMask) : 0
    func number(_ celsius: Double) -> CheckedNumber {
      CheckedNumber(celsius, isPlausible: Self.plausible.contains(celsius))
    }
    (reference, throttling) = (number(celsius), number(celsius - offset))
  }
}
