/// Samples under one name, in Prometheus's data model.
public struct MetricFamily: Sendable {
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

  /// A label, which distinguishes samples: its name, and any text.
  public typealias Label = (name: String, value: String)

  /// A value and its labels.
  public struct Sample: Sendable {
    /// The value in the family's unit.
    public var value: Double
    /// The labels.
    public var labels: [Label] = []
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

  /// The name of its samples.
  public var sampleName: String { name + kind.suffix }
}
