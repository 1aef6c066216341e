internal import Exporter
internal import Formatting
internal import PowerClient
internal import PowerProtocol

/// Writes the samples of one service, each as a text of its own.
struct SampleWriter {
  private let format: ExportFormat
  private let info: ServiceInfo
  private let table: SampleTable
  private let template: SampleTemplate?

  /// - Throws: `TemplateError` where the template names what this service does not measure.
  init(_ format: ExportFormat, _ info: ServiceInfo, template: SampleTemplate?) throws(TemplateError) {
    self.format = format
    self.info = info
    self.template = template
    table = SampleTable(info)
    try template?.check(info)
  }

  /// What stands above the first sample.
  var header: String { format == .csv ? table.header + "\n" : "" }

  func text(_ sample: SampleReport) -> String {
    switch format {
    case .openmetrics: Self.metrics(.openMetrics, Observation(info: info, sample: sample))
    case .prometheus: Self.metrics(.classic, Observation(info: info, sample: sample))
    case .waybar: WaybarModule.line(sample) + "\n"
    case .csv: table.row(sample) + "\n"
    case .json: sample.object.text + "\n"
    case .template: (template?.text(sample) ?? "") + "\n"
    }
  }

  /// What says that the service does not answer, so that nobody goes on seeing what once was; nil for rows, which end.
  static func absence(_ format: ExportFormat, _ error: ClientError) -> String? {
    switch format {
    case .openmetrics: metrics(.openMetrics, nil)
    case .prometheus: metrics(.classic, nil)
    case .waybar: WaybarModule.absence("\(error)") + "\n"
    case .csv, .json, .template: nil
    }
  }

  private static func metrics(_ format: MetricsFormat, _ observation: Observation?) -> String {
    format.text(Metrics.families(of: observation, version: PkgWattStat.version))
  }
}
