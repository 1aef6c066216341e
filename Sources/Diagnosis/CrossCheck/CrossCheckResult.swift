internal import Formatting
internal import PowerProtocol

/// The result of a cross-check against all its references.
public struct CrossCheckResult: Sendable {
  /// One report for each reference.
  public let reports: [CrossCheckReport]
  /// The worst of their verdicts.
  public let verdict: CrossCheckVerdict

  /// The result of these reports.
  public init(reports: [CrossCheckReport]) {
    self.reports = reports
    // To disagree (1) is worse than not to be comparable (2).
    let worst = [1, 2, 0].lazy.compactMap { code in reports.first { $0.verdict.exitCode == code } }.first
    verdict = worst?.verdict ?? .couldNotCompare("there is nothing to compare with.")
  }

  /// The result if nothing could be compared.
  public init(reason: String) {
    reports = []
    verdict = .couldNotCompare(reason)
  }

  /// The result as text: each reference's table and verdict.
  public var text: String {
    reports.isEmpty ? "\(verdict)".harmless : reports.map(\.text).joined(separator: "\n\n")
  }

  /// One JSON object.
  public var json: String {
    JSON.object([
      ("verdict", .string(verdict.word)), ("sentence", .string("\(verdict)")),
      ("reports", .array(reports.map(\.value))),
    ]).text
  }
}

/// The verdict of a cross-check.
public enum CrossCheckVerdict: Sendable, Equatable {
  /// Every mean is within the tolerance.
  case agree(tolerancePercent: Double)
  /// At least one is not. Each is a sentence with its likely cause.
  case disagree([String])
  /// There is no result, for this reason.
  case couldNotCompare(String)

  /// 0 agree, 1 disagree, 2 could not compare.
  public var exitCode: Int32 {
    switch self {
    case .agree: 0
    case .disagree: 1
    case .couldNotCompare: 2
    }
  }

  /// One word for programs.
  var word: String {
    switch self {
    case .agree: "agree"
    case .disagree: "disagree"
    case .couldNotCompare: "could_not_compare"
    }
  }

}

extension CrossCheckVerdict: CustomStringConvertible {
  /// One sentence, or one for each disagreement.
  public var description: String {
    switch self {
    case .agree(let tolerance): "Agree: no mean differs by more than \(tolerance) %."
    case .disagree(let sentences): "Disagree: " + sentences.joined(separator: " ")
    case .couldNotCompare(let reason): "Could not compare: \(reason)"
    }
  }
}
