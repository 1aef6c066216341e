internal import ArgumentParser
internal import Exporter

/// How `export` writes a sample.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  case openmetrics, prometheus, waybar, csv, json, template

  /// Which text format of metrics it is, if it is one.
  var metrics: MetricsFormat? {
    switch self {
    case .openmetrics: .openMetrics
    case .prometheus: .classic
    case .waybar, .csv, .json, .template: nil
    }
  }
}
