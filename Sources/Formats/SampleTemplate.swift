public import PowerProtocol

/// A text with placeholders, such as `{watts:.1f} W {package0.core.watts}`; `{{` and `}}` stand for braces.
public struct SampleTemplate: Sendable {
  private enum Part: Sendable {
    case text(String)
    case field(SampleField, places: Int?)
  }

  private static let mostPlaces = 9
  private var parts: [Part] = []

  /// Reads a template.
  public init(_ template: String) throws(TemplateError) {
    var rest = template[...]
    var text = ""
    while let character = rest.popFirst() {
      switch character {
      case "{" where rest.first == "{", "}" where rest.first == "}": text.append(rest.removeFirst())
      case "}": throw .unopened
      case "{":
        guard let end = rest.firstIndex(of: "}") else { throw .unclosed(String(rest)) }
        parts.append(.text(text))
        text = ""
        parts.append(try Self.placeholder(rest[..<end]))
        rest = rest[end...].dropFirst()
      default: text.append(character)
      }
    }
    parts.append(.text(text))
  }

  private static func placeholder(_ text: Substring) throws(TemplateError) -> Part {
    let pieces = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let field = SampleField(String(pieces[0])) else { throw .unknown(String(pieces[0])) }
    guard pieces.count == 2 else { return .field(field, places: nil) }
    let format = pieces[1]
    guard format.first == ".", format.last == "f", let places = Int(format.dropFirst().dropLast()),
      (0...mostPlaces).contains(places)
    else { throw .format(String(format)) }
    guard field.isNumber else { throw .notANumber(field.name, format: String(format)) }
    return .field(field, places: places)
  }

  /// Makes sure that a service has what the placeholders name.
  public func check(_ info: ServiceInfo) throws(TemplateError) {
    let known = SampleField.parts(of: info).map(\.name)
    for case .field(let field, _) in parts where field.isOfPart && !known.contains(field.name) {
      throw .absent(field.name, known: known)
    }
  }

  /// The names that every machine has, for help and completion.
  public static let names = Field.ofSample.compactMap(\.name)
  /// The names for each package and domain, which come behind its own.
  public static let partNames = Field.ofParts.compactMap(\.name)

  /// The text for a sample; what was not measured is a question mark.
  public func text(_ sample: SampleReport) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .field(let field, let places): field.value(in: sample)?.text(places: places) ?? "?"
      }
    }.joined()
  }
}

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
        + SampleTemplate.names.map { "{\($0)}" }.joined(separator: ", ")
        + ", and for each package and domain the like of \(Self.examples)."
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

  /// A placeholder for each field of a package or domain.
  private static var examples: String {
    let parts = ["package0", "package0.core", "package0.dram"]
    let names = SampleTemplate.partNames.enumerated().map { "{\(parts[$0 % parts.count]).\($1)}" }
    return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
  }
}
