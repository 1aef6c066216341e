internal import Attribution
internal import PowerProtocol

/// Something that can be exported, of a sample or of the service, with everything that a format needs. `Field.all` has them all.
public struct Field: Sendable {
  /// The content of a field.
  public enum Value: Sendable, Equatable {
    /// A number, in the field's unit.
    case number(Double)
    /// Yes or no.
    case flag(Bool)
    /// A text.
    case text(String)
  }

  /// How the field is exported to Prometheus.
  struct Metric: Sendable {
    /// The family's name, without the program's prefix and without the suffix of its kind.
    let name: String
    /// How its values behave.
    let kind: MetricFamily.Kind
    /// Whether it is left out of a stale sample: a scrape would stamp it with a time at which nothing was measured.
    let isFreshOnly: Bool

    static func gauge(_ name: String, freshOnly: Bool = false) -> Metric {
      Metric(name: name, kind: .gauge, isFreshOnly: freshOnly)
    }

    static func counter(_ name: String, freshOnly: Bool = false) -> Metric {
      Metric(name: name, kind: .counter, isFreshOnly: freshOnly)
    }

    static func info(_ name: String) -> Metric { Metric(name: name, kind: .info, isFreshOnly: false) }
  }

  /// How its value is obtained, and for what.
  enum Source: Sendable {
    /// One for each scrape: metrics only.
    case scrape(@Sendable (Scrape) -> MetricFamily.Sample?)
    /// One for each sample.
    case sample(@Sendable (SampleReport) -> Value?)
    /// One for each package and domain of a sample.
    case part(@Sendable (SampleReport, SampleReport.Part) -> Value?)
    /// One for each row of units: metrics only.
    case unit(@Sendable (UnitCounters.Row) -> Double?)
  }

  /// The name as a column, as a placeholder and in the service's own JSON; nil if it is only a metric.
  public let name: String?
  /// The unit of its numbers; nil if they have none.
  public let unit: String?
  /// Its meaning in a sentence.
  public let help: String
  /// Whether its values are numbers.
  let isNumber: Bool
  /// Whether it is a column of a table.
  let isColumn: Bool
  /// How it is exported to Prometheus; nil if it is not.
  let metric: Metric?
  let source: Source

  /// The name of its samples in metrics; nil if it is not a metric.
  public var metricName: String? { metric.map { Metrics.prefix + $0.name + $0.kind.suffix } }

  /// Whether there is one for each package and domain.
  public var isOfParts: Bool { if case .part = source { true } else { false } }
}

extension Field {
  /// A value of the whole sample, or nil if it was not measured.
  static func sample(
    _ name: String, unit: String? = nil, _ help: String, isNumber: Bool = true, isColumn: Bool = true,
    _ metric: Metric? = nil, _ value: @escaping @Sendable (SampleReport) -> Value?
  ) -> Field {
    Field(
      name: name, unit: unit, help: help, isNumber: isNumber, isColumn: isColumn, metric: metric,
      source: .sample(value))
  }

  /// A value of each package and domain.
  static func part(
    _ name: String, unit: String? = nil, _ help: String, isNumber: Bool, _ metric: Metric,
    _ value: @escaping @Sendable (SampleReport, SampleReport.Part) -> Value?
  ) -> Field {
    Field(
      name: name, unit: unit, help: help, isNumber: isNumber, isColumn: true, metric: metric, source: .part(value))
  }

  /// A value of each row of units, if they are exported.
  static func unit(
    _ metric: Metric, unit: String, _ help: String, _ value: @escaping @Sendable (UnitCounters.Row) -> Double?
  ) -> Field {
    Field(name: nil, unit: unit, help: help, isNumber: true, isColumn: false, metric: metric, source: .unit(value))
  }

  /// A value that only metrics have.
  static func metric(
    _ metric: Metric, unit: String? = nil, _ help: String,
    _ value: @escaping @Sendable (Scrape) -> MetricFamily.Sample?
  ) -> Field {
    Field(
      name: nil, unit: unit, help: help, isNumber: true, isColumn: false, metric: metric, source: .scrape(value))
  }
}
