internal import RAPL

/// What a ratio between two measurements that is the same in every window comes from.
enum RatioCause {
  /// How near a ratio must be to one of those that have a name.
  private static let tolerance = 0.03

  /// The likely cause of `ratio`, ours to the reference's; nil where it has none that is known.
  static func sentence(ratio: Double, domain: PowerDomain) -> String? {
    func near(_ value: Double) -> Bool { abs(ratio / value - 1) <= tolerance }
    let ours = ratio > 1 ? "ours" : "the reference"
    let other = ratio > 1 ? "the reference" : "ours"
    return switch domain {
    case .dram where near(4) || near(0.25):
      "likely a factor of 4, the DRAM unit: \(ours) takes the unit register's 2^-14 J, \(other) the 15.3 uJ (2^-16 J) that some "
        + "server models fix; the two take this CPU for different models"
    case .psys where near(16_384) || near(1 / 16_384.0):
      "likely a factor of 16384, the psys unit: \(ours) takes the 1 J that Sapphire Rapids and its kin fix, \(other) the unit "
        + "register's 2^-14 J"
    case _ where near(4) || near(0.25):
      "likely a factor of 4, the energy unit: the two take it from unit registers (0x606) that differ by 2 in their exponent"
    case _ where near(16_384) || near(1 / 16_384.0):
      "likely a factor of 16384, the energy unit: \(ours) counts in joules, \(other) in 2^-14 J"
    case _ where near(2) || near(0.5):
      "likely a factor of 2, double counting: \(ours) counts something twice, such as a package by each of its dies, or "
        + "\(other) misses one of two packages"
    default: nil
    }
  }
}
