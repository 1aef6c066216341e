internal import Formatting
public import PowerProtocol

/// The formats of samples for other programs.
public enum ExportFormat: String, Sendable, CaseIterable {
  case openmetrics, prometheus, waybar, csv, json, template
}

/// Formats the samples of one service, each as a text of its own.
public struct SampleWriter {
  private let format: ExportFormat
  private let info: ServiceInfo
  private let version: String
  private let table: SampleTable
  private let template: SampleTemplate?

  /// - Parameters:
  ///   - info: the service's description.
  ///   - template: for the format `template`.
  ///   - version: the version of this program.
  /// - Throws: `TemplateError` if the template names something that this service does not measure.
  public init(
    _ format: ExportFormat, _ info: ServiceInfo, template: SampleTemplate? = nil, version: String
  ) throws(TemplateError) {
    self.format = format
    self.info = info
    self.version = version
    self.template = template
    table = SampleTable(info)
    try template?.check(info)
  }

  /// The text before the first sample.
  public var header: String { format == .csv ? table.header + "\n" : "" }

  /// A sample's text.
  public func text(_ sample: SampleReport) -> String {
    let observation = Observation(info: info, sample: sample)
    return switch format {
    case .openmetrics: Metrics.text(.openMetrics, of: observation, version: version)
    case .prometheus: Metrics.text(.classic, of: observation, version: version)
    case .waybar: WaybarModule.line(sample) + "\n"
    case .csv: table.row(sample) + "\n"
    case .json: sample.object.text + "\n"
    case .template: (template?.text(sample) ?? "") + "\n"
    }
  }

  /// The text that says that the service does not answer, so that nobody sees old values; nil for formats of rows, which end.
  ///
  /// - Parameter why: a sentence.
  public static func absence(_ format: ExportFormat, _ why: String, version: String) -> String? {
    switch format {
    case .openmetrics: Metrics.text(.openMetrics, of: nil, version: version)
    case .prometheus: Metrics.text(.classic, of: nil, version: version)
    case .waybar: WaybarModule.absence(why) + "\n"
    case .csv, .json, .template: nil
    }
  }
}

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
