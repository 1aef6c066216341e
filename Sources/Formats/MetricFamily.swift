/// Samples under one name, as Prometheus collects them.
public struct MetricFamily: Sendable, Equatable {
  /// How its values behave.
  public enum Kind: Sendable {
    /// Goes up and down.
    case gauge
    /// Only grows, until it starts anew at 0.
    case counter
    /// Is always 1; what it says is in its labels.
    case info

    /// What the names of its samples end in.
    var suffix: String {
      switch self {
      case .gauge: ""
      case .counter: "_total"
      case .info: "_info"
      }
    }
  }

  /// A label: what tells one sample from the others.
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

  /// A value and what it is of.
  public struct Sample: Sendable, Equatable {
    /// What it is of.
    public var labels: [Label]
    /// In the family's unit.
    public var value: Double

    /// A sample.
    public init(_ value: Double, _ labels: [Label] = []) {
      self.labels = labels
      self.value = value
    }
  }

  /// Its name, without the suffix that its kind demands.
  public var name: String
  /// How its values behave.
  public var kind: Kind
  /// The unit, with which the name ends; nil where it has none.
  public var unit: String?
  /// What it is, in a sentence.
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
