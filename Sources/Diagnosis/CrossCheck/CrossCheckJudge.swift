internal import RAPL

/// Decides the result of the comparisons with one reference.
struct CrossCheckJudge {
  let reference: String
  let tolerancePercent: Double

  /// The verdict.
  ///
  /// - Parameters:
  ///   - missingPackages: packages that only one side has, each a sentence.
  ///   - trouble: what is wrong with the reference, if it gave nothing to compare.
  func verdict(_ comparisons: [Comparison], missingPackages: [String], trouble: String?) -> CrossCheckVerdict {
    let compared = comparisons.filter { !$0.isTooLittle }
    guard !compared.isEmpty else {
      let few = "\(reference) gave fewer than two windows to compare; measure longer with --duration."
      return .couldNotCompare(trouble ?? (comparisons.isEmpty ? few : "both sides show less than 0.1 W."))
    }
    let differing = compared.filter { abs($0.differencePercent ?? .infinity) > tolerancePercent }
    let unsure = differing.filter(isUnsure)
    let findings = missingPackages + sentences(differing.filter { !isUnsure($0) }, among: compared)
    if !findings.isEmpty { return .disagree(findings) }
    guard unsure.isEmpty else {
      let each = unsure.map { comparison in
        "\(comparison.name) differs by \(signed(comparison.differencePercent ?? 0)) % +- "
          + "\(fixed(comparison.confidencePercent ?? 0)) %"
      }
      return .couldNotCompare(
        "\(each.joined(separator: ", ")), which may be by chance; measure longer with --duration.")
    }
    return .agree(tolerancePercent: tolerancePercent)
  }

  /// Whether a difference may still be within the tolerance.
  private func isUnsure(_ comparison: Comparison) -> Bool {
    guard let difference = comparison.differencePercent, let confidence = comparison.confidencePercent else {
      return false
    }
    return abs(difference) - confidence <= tolerancePercent
  }

  /// One sentence for each explanation, with all the differences that it explains.
  private func sentences(_ differing: [Comparison], among all: [Comparison]) -> [String] {
    var explanations: [(text: String, sides: [String])] = []
    for comparison in differing {
      let text = explanation(comparison, among: all)
      let sides =
        "\(comparison.name) \(fixed(comparison.ours)) W by us, \(fixed(comparison.reference)) W by \(reference)"
      if let index = explanations.firstIndex(where: { $0.text == text }) {
        explanations[index].sides.append(sides)
      } else {
        explanations.append((text, [sides]))
      }
    }
    return explanations.map { "\($0.sides.joined(separator: "; ")): \($0.text)." }
  }

  private func explanation(_ comparison: Comparison, among all: [Comparison]) -> String {
    guard comparison.reference > 0 else { return "a reference of 0 W must be wrong" }
    guard let ratio = comparison.constantRatio else {
      return "the ratio is not constant, so the energy unit is not the cause"
    }
    var domain = comparison.channel?.domain ?? .package
    // A domain that differs by the same ratio as its package does so for the same reason.
    let package = all.first { $0.channel?.domain == .package && $0.channel?.package == comparison.channel?.package }
    if let whole = package?.constantRatio, abs(ratio / whole - 1) <= Comparison.ratioTolerance { domain = .package }
    let cause = RatioCause.sentence(ratio: ratio, domain: domain) ?? "of unknown cause"
    return "a constant ratio of \(fixed(ratio)), \(cause)"
  }
}

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
