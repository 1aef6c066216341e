internal import RAPL

/// The causes of a ratio between two measurements that is the same in every window.
enum RatioCause {
  /// How near a ratio must be to one with a known cause.
  private static let tolerance = 0.03

  /// The likely cause of `ratio`, ours to the reference's; nil if none is known.
  static func sentence(ratio: Double, domain: PowerDomain) -> String? {
    func near(_ value: Double) -> Bool { abs(ratio / value - 1) <= tolerance }
    let ours = ratio > 1 ? "we" : "the reference"
    let other = ratio > 1 ? "the reference" : "we"
    return switch domain {
    case .dram where near(4) || near(0.25):
      "likely the DRAM unit, which differs by a factor of 4: \(ours) used the unit register's 2^-14 J, \(other) used the fixed "
        + "15.3 uJ (2^-16 J) of some server models; the two take this CPU for different models"
    case .psys where near(16_384) || near(1 / 16_384.0):
      "likely the psys unit, which differs by a factor of 16384: \(ours) used the fixed 1 J of Sapphire Rapids and its "
        + "successors, \(other) used the unit register's 2^-14 J"
    case _ where near(4) || near(0.25):
      "likely the energy unit, which differs by a factor of 4: the exponents in the two unit registers (0x606) differ by 2"
    case _ where near(16_384) || near(1 / 16_384.0):
      "likely the energy unit, which differs by a factor of 16384: \(ours) counted in joules, \(other) in 2^-14 J"
    case _ where near(2) || near(0.5):
      "likely double counting, by a factor of 2: \(ours) counted something twice, such as a package once for each die, or "
        + "\(other) missed one of two packages"
    default: nil
    }
  }
}
