internal import Formatting
internal import PowerProtocol
/// What a cross-check against all its references comes to.
public struct CrossCheckResult: Sendable {
  /// One for each reference.
  public let reports: [CrossCheckReport]
  /// The worst of theirs.
  public let verdict: CrossCheckVerdict

  /// The outcome of these reports.
  public init(reports: [CrossCheckReport]) {
    self.reports = reports
    verdict =
      reports.map(\.verdict).max { $0.rank < $1.rank } ?? .couldNotCompare("there is nothing to compare with.")
  }

  /// Nothing could be compared at all.
  public init(reason: String) {
    reports = []
    verdict = .couldNotCompare(reason)
  }

  /// For a person: each reference's table and verdict.
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
