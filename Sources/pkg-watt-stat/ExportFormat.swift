internal import ArgumentParser

/// How `export` writes a sample.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  case openmetrics, prometheus, waybar, csv, json, template
}
