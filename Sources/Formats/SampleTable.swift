public import PowerProtocol

/// Samples as comma-separated values: a header, and one row for each. What was not measured is an empty cell.
public struct SampleTable: Sendable {
  private let fields: [SampleField]

  /// The table of what a service measures.
  public init(_ info: ServiceInfo) {
    fields = SampleField.columns(of: info)
  }

  /// The names of the columns. No cell needs quotes: there are numbers, and words without commas.
  public var header: String { fields.map(\.name).joined(separator: ",") }

  /// A sample's row.
  public func row(_ sample: SampleReport) -> String {
    fields.map { $0.value(in: sample)?.text() ?? "" }.joined(separator: ",")
  }
}
