/// Samples under one name, in Prometheus's data model.
public struct MetricFamily: Sendable, Equatable {
  /// How its values behave.
  public enum Kind: Sendable {
    /// Goes up and down.
    case gauge
    /// Only grows, until it starts again at 0.
    case counter
    /// Is always 1; its labels carry the information.
    case info

    /// The suffix of its samples' names.
    var suffix: String {
      switch self {
      case .gauge: ""
      case .counter: "_total"
      case .info: "_info"
      }
    }
  }

  /// A label, which distinguishes samples.
  public struct Label: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// Any text.
    public var value: String

    /// A label.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A value and its labels.
  public struct Sample: Sendable, Equatable {
    /// The labels.
    public var labels: [Label]
    /// The value in the family's unit.
    public var value: Double

    /// A sample.
    public init(_ value: Double, _ labels: [Label] = []) {
      self.labels = labels
      self.value = value
    }
  }

  /// Its name, without the suffix of its kind.
  public var name: String
  /// How its values behave.
  public var kind: Kind
  /// The unit, with which the name ends; nil if there is none.
  public var unit: String?
  /// Its meaning in a sentence.
  public var help: String
  /// Its values.
  public var samples: [Sample]

  /// A family.
  public init(_ name: String, _ kind: Kind, unit: String? = nil, help: String, _ samples: [Sample]) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
    self.samples = samples
  }

  /// The name of its samples.
  public var sampleName: String { name + kind.suffix }
}
