public import PowerProtocol

/// Samples as comma-separated values: a header, and a row for each sample. A value that was not measured is an empty cell.
public struct SampleTable: Sendable {
  private let fields: [SampleField]

  /// The table for a service.
  public init(_ info: ServiceInfo) {
    fields = SampleField.columns(of: info)
  }

  /// The names of the columns. No cell needs quotes: all are numbers, or words without commas.
  public var header: String { fields.map(\.name).joined(separator: ",") }

  /// A sample's row.
  public func row(_ sample: SampleReport) -> String {
    fields.map { $0.value(in: sample)?.text() ?? "" }.joined(separator: ",")
  }
}
