/// What a piece of text means; a terminal with colours shows it.
public enum Style: Sendable, Equatable {
  /// Nothing in particular.
  case plain
  /// What is looked for first.
  case strong
  /// Scales and labels.
  case faint
  /// A measured mean.
  case mean
  /// From the mean up to the most.
  case peak
  /// A mean over time asleep.
  case asleep
  /// Something that has to be known to read the numbers rightly.
  case warning

  /// The parameters of the terminal's SGR sequence; nil for none.
  ///
  /// - Parameter colours: whether colours are wanted; without them only `strong` stands out.
  func parameters(colours: Bool) -> String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .faint: colours ? "90" : nil
    case .mean: colours ? "32" : nil
    case .peak: colours ? "33" : nil
    case .asleep: colours ? "34" : nil
    case .warning: colours ? "1;33" : nil
    }
  }
}
