internal import RAPL

/// The two text formats that scrapers can read.
public enum MetricsFormat: Sendable, CaseIterable {
  /// Prometheus's own text format, version 0.0.4, which node_exporter's textfile collector reads too.
  case classic
  /// OpenMetrics 1.0.
  case openMetrics

  /// The media type for HTTP.
  public var contentType: String {
    switch self {
    case .classic: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// Writes families with their descriptions.
  public func text(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families where !family.samples.isEmpty {
      let name = self == .classic ? family.sampleName : family.name
      text += "# HELP \(name) \(escaped(family.help, quotes: self == .openMetrics))\n"
      text += "# TYPE \(name) \(type(family.kind))\n"
      if self == .openMetrics, let unit = family.unit { text += "# UNIT \(name) \(unit)\n" }
      for sample in family.samples {
        let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        let braced = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
        text += "\(family.sampleName)\(braced) \(number(sample.value))\n"
      }
    }
    return self == .openMetrics ? text + "# EOF\n" : text
  }

  private func type(_ kind: MetricFamily.Kind) -> String {
    switch kind {
    case .counter: "counter"
    case .info where self == .openMetrics: "info"
    case .gauge, .info: "gauge"
    }
  }

  private func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(clamping: value))" : "\(value)"
  }
}
