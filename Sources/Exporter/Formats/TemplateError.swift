/// Why a template cannot be filled.
public enum TemplateError: Error, Equatable {
  /// A placeholder that no machine has.
  case unknown(String)
  /// A placeholder for what this machine does not have; with those that it has.
  case absent(String, known: [String])
  /// What follows a placeholder's colon.
  case format(String)
  /// A number's format behind a placeholder for a text.
  case notANumber(String, format: String)
  /// A brace that is not closed.
  case unclosed(String)
  /// A closing brace without an opening one.
  case unopened
}

extension TemplateError: CustomStringConvertible {
  /// What is wrong with the template, and what may stand there.
  public var description: String {
    switch self {
    case .unknown(let name):
      "The template's {\(name)} is unknown; there are "
        + SampleField.Whole.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        + ", and for each package and domain the like of {package0.watts}, {package0.core.joules} and "
        + "{package0.dram.lower_bound}."
    case .absent(let name, let known):
      "The template's {\(name)} is nothing that this machine has; it has "
        + known.map { "{\($0)}" }.joined(separator: ", ") + "."
    case .format(let format):
      "The template's :\(format) is no format; :.1f gives one digit after the point, and :.0f to :.9f are possible."
    case .notANumber(let name, let format):
      "The template's {\(name)} is a text, and :\(format) is for numbers; write {\(name)}."
    case .unclosed(let rest): "The template's {\(rest) has no closing brace; a brace that is meant as such is {{."
    case .unopened: "The template has a closing brace too many; a brace that is meant as such is }}."
    }
  }
}
