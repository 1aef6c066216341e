internal import Glibc
internal import RAPL
internal import Formatting

extension RunReport {
  /// A number with as many digits as its uncertainty leaves meaning to: two of the uncertainty's own.
  ///
  /// - Parameter finest: digits behind the point, at most.
  static func rounded(_ value: Double, _ uncertainty: Double, _ unit: String, finest: Int) -> String {
    let places = places(uncertainty, finest: finest)
    return "\(Numbers.fixed(value, places: places)) +- \(Numbers.fixed(uncertainty, places: places)) \(unit)"
  }

  /// A deviation, with two digits; "-" where it is unknown.
  static func rounded(_ deviation: Double?, _ unit: String, finest: Int) -> String {
    guard let deviation else { return "-" }
    return "\(Numbers.fixed(deviation, places: places(deviation, finest: finest))) \(unit)"
  }

  /// Digits behind the point that leave a number two digits.
  private static func places(_ number: Double, finest: Int) -> Int {
    guard number > 0, number.isFinite else { return finest }
    return min(max(1 - Int(clamping: log10(number).rounded(.down)), 0), finest)
  }

  func fixed(_ number: Double, _ places: Int) -> String { Numbers.fixed(number, places: places) }
}
