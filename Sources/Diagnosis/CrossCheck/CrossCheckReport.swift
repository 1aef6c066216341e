internal import Formatting
internal import PowerProtocol
internal import RAPL

/// How our measurement compares with one reference.
public struct CrossCheckReport: Sendable, Equatable {
  /// The reference's name.
  public let reference: String
  /// What it reads.
  public let reads: String
  /// Each channel that both have, and the sum of all packages if there are several.
  public let comparisons: [Comparison]
  /// Channels that only one side has.
  public let unmatched: [String]
  /// The greatest time between our nearest reading and the end of a window of the reference, in milliseconds.
  public let apartMilliseconds: Double
  /// The outcome.
  public let verdict: CrossCheckVerdict

  /// Judges comparisons.
  ///
  /// - Parameters:
  ///   - missingPackages: packages that only one side has, each a sentence.
  ///   - trouble: what is wrong with the reference, if it gave nothing to compare.
  init(
    reference: String, reads: String, comparisons: [Comparison], unmatched: [String] = [],
    missingPackages: [String] = [],
    apartMilliseconds: Double, tolerancePercent: Double, trouble: String?
  ) {
    self.reference = reference
    self.reads = reads
    self.comparisons = comparisons
    self.unmatched = unmatched
    self.apartMilliseconds = apartMilliseconds
    verdict = CrossCheckJudge(reference: reference, tolerancePercent: tolerancePercent)
      .verdict(comparisons, missingPackages: missingPackages, trouble: trouble)
  }
}

extension Comparison {
  /// "package 0 DRAM", or "all packages".
  var name: String { channel.map { "\($0)" } ?? "all packages" }
}

/// A number with this many digits after the point.
func fixed(_ number: Double, places: Int = 2) -> String { Numbers.fixed(number, places: places) }

/// The same with its sign, including plus.
func signed(_ number: Double) -> String { (number < 0 ? "" : "+") + fixed(number) }

extension CrossCheckReport {
  /// The table as text, followed by the verdict.
  public var text: String {
    var lines: [String] = []
    if !comparisons.isEmpty {
      let header = ["", "ours", reference, "difference", "95 % interval", "worst window"]
      let rows = [header] + comparisons.map(Self.row)
      lines += Columns.aligned(rows)
      let windows = comparisons.map(\.windows).min() ?? 0
      lines.append(
        "Each row compares at least \(windows) windows. Our readings were at most \(fixed(apartMilliseconds, places: 1)) ms away from the ends of these windows."
      )
      lines.append("\(reference) read \(reads).")
    }
    lines += unmatched
    return (lines + ["\(verdict)"]).map(\.harmless).joined(separator: "\n")
  }

  private static func row(_ comparison: Comparison) -> [String] {
    let percents =
      comparison.isTooLittle
      ? ["too little", "", ""]
      : [
        comparison.differencePercent.map { signed($0) + " %" } ?? "-",
        comparison.confidencePercent.map { "+-" + fixed($0) + " %" } ?? "-",
        comparison.worstPercent.map { fixed($0) + " %" } ?? "-",
      ]
    return [comparison.name, fixed(comparison.ours) + " W", fixed(comparison.reference) + " W"] + percents
  }

  /// The same as JSON.
  var value: JSON {
    .object([
      ("reference", .string(reference)), ("reads", .string(reads)), ("verdict", .string(verdict.word)),
      ("sentence", .string("\(verdict)")),
      ("apart_milliseconds", .number(apartMilliseconds)),
      ("comparisons", .array(comparisons.map(Self.value))), ("unmatched", .array(unmatched.map { .string($0) })),
    ])
  }

  private static func value(_ comparison: Comparison) -> JSON {
    .object([
      ("package", .optional(comparison.channel.map { Double($0.package.package) })),
      ("die", .optional(comparison.channel?.package.die.map { Double($0) })),
      ("domain", .string("\(comparison.channel?.domain ?? .package)".lowercased())),
      ("windows", .number(Double(comparison.windows))), ("ours_watts", .number(comparison.ours)),
      ("reference_watts", .number(comparison.reference)),
      ("difference_percent", .optional(comparison.differencePercent)),
      ("confidence_percent", .optional(comparison.confidencePercent)),
      ("worst_percent", .optional(comparison.worstPercent)),
      ("constant_ratio", .optional(comparison.constantRatio)),
    ])
  }
}
