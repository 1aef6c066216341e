public import PowerProtocol

/// Samples as comma-separated values: a header, and one row for each. What was not measured is an empty cell.
public struct SampleTable: Sendable {
  private static let whole: [SampleField.Whole] = [
    .timestamp, .status, .windowSeconds, .watts, .joules, .lowerBound, .rejectedReadings,
  ]
  private let fields: [SampleField]

  /// The table of what a service measures.
  public init(_ info: ServiceInfo) {
    fields = Self.whole.map { .whole($0) } + SampleField.parts(of: info)
  }

  /// The names of the columns. No cell needs quotes: there are numbers, and words without commas.
  public var header: String { fields.map(\.name).joined(separator: ",") }

  /// A sample's row.
  public func row(_ sample: SampleReport) -> String {
    fields.map { $0.value(in: sample)?.text() ?? "" }.joined(separator: ",")
  }
}
