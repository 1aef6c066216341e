internal import RAPL

/// Decides what comparisons with one reference come to.
struct CrossCheckJudge {
  let reference: String
  let tolerancePercent: Double

  /// The verdict.
  ///
  /// - Parameters:
  ///   - missingPackages: packages that only one side has, each a sentence.
  ///   - trouble: what is wrong with the reference, where it gave nothing to compare.
  func verdict(_ comparisons: [Comparison], missingPackages: [String], trouble: String?) -> CrossCheckVerdict {
    let compared = comparisons.filter { !$0.isTooLittle }
    guard !compared.isEmpty else {
      let few = "\(reference) gave less than two windows to compare; measure longer with --duration."
      return .couldNotCompare(trouble ?? (comparisons.isEmpty ? few : "both sides draw next to nothing."))
    }
    let differing = compared.filter { abs($0.differencePercent ?? .infinity) > tolerancePercent }
    let unsure = differing.filter(isUnsure)
    let findings = missingPackages + sentences(differing.filter { !isUnsure($0) }, among: compared)
    if !findings.isEmpty { return .disagree(findings) }
    guard unsure.isEmpty else {
      let each = unsure.map { comparison in
        "\(comparison.name) differs by \(signed(comparison.differencePercent ?? 0)) % give or take "
          + "\(fixed(comparison.confidencePercent ?? 0)) %"
      }
      return .couldNotCompare("\(each.joined(separator: ", ")), which may be chance; measure longer with --duration.")
    }
    return .agree(tolerancePercent: tolerancePercent)
  }

  /// Whether a difference may be within the tolerance after all.
  private func isUnsure(_ comparison: Comparison) -> Bool {
    guard let difference = comparison.differencePercent, let confidence = comparison.confidencePercent else {
      return false
    }
    return abs(difference) - confidence <= tolerancePercent
  }

  /// One sentence for each explanation, with all that it explains.
  private func sentences(_ differing: [Comparison], among all: [Comparison]) -> [String] {
    var explanations: [(text: String, sides: [String])] = []
    for comparison in differing {
      let text = explanation(comparison, among: all)
      let sides =
        "\(comparison.name) \(fixed(comparison.ours)) W ours, \(fixed(comparison.reference)) W by \(reference)"
      if let index = explanations.firstIndex(where: { $0.text == text }) {
        explanations[index].sides.append(sides)
      } else {
        explanations.append((text, [sides]))
      }
    }
    return explanations.map { "\($0.sides.joined(separator: "; ")): \($0.text)." }
  }

  private func explanation(_ comparison: Comparison, among all: [Comparison]) -> String {
    guard comparison.reference > 0 else { return "a reference of 0 W cannot be right" }
    guard let ratio = comparison.constantRatio else { return "no constant ratio, so no error of a unit" }
    var domain = comparison.channel?.domain ?? .package
    // A domain that is as far off as its package is so for the same reason.
    let package = all.first { $0.channel?.domain == .package && $0.channel?.package == comparison.channel?.package }
    if let whole = package?.constantRatio, abs(ratio / whole - 1) <= Comparison.ratioTolerance { domain = .package }
    let cause = RatioCause.sentence(ratio: ratio, domain: domain) ?? "of no cause that is known here"
    return "a constant ratio of \(fixed(ratio)), \(cause)"
  }
}
