internal import Formatting
internal import PowerProtocol
internal import RAPL

extension CrossCheckReport {
  /// The table as text, followed by the verdict.
  public var text: String {
    var lines: [String] = []
    if !comparisons.isEmpty {
      let header = ["", "ours", reference, "difference", "95 % interval", "worst window"]
      let rows = [header] + comparisons.map(Self.row)
      let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
      lines += rows.map { row in
        row.indices.map { column in
          let blanks = String(repeating: " ", count: widths[column] - row[column].count)
          return column == 0 ? row[column] + blanks : blanks + row[column]
        }.joined(separator: "  ")
      }
      let windows = comparisons.map(\.windows).min() ?? 0
      lines.append(
        "At least \(windows) windows each. Our nearest readings were at most \(fixed(apartMilliseconds, places: 1)) ms from their ends."
      )
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
      ("reference", .string(reference)), ("verdict", .string(verdict.word)), ("sentence", .string("\(verdict)")),
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
