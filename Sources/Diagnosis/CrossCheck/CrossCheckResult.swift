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
    verdict =
      reports.map(\.verdict).max { $0.rank < $1.rank } ?? .couldNotCompare("there is nothing to compare with.")
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
