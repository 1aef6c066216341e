internal import Formatting
public import PowerProtocol

/// A text with placeholders, such as `{watts:.1f} W {package0.core.watts}`; `{{` and `}}` print braces.
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

  /// Makes sure that the service measures everything that the placeholders name.
  public func check(_ info: ServiceInfo) throws(TemplateError) {
    let known = SampleField.parts(of: info).map(\.name)
    for case .field(let field, _) in parts where field.isOfPart && !known.contains(field.name) {
      throw .absent(field.name, known: known)
    }
  }

  /// The names that every machine has, for help and completion.
  public static let names = Field.ofSample.compactMap(\.name)
  /// The names for each package and domain, which follow the part's own name.
  public static let partNames = Field.ofParts.compactMap(\.name)

  /// The text for a sample. A value that was not measured is a question mark.
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
  /// A placeholder that does not exist on any machine.
  case unknown(String)
  /// A placeholder that does not exist on this machine, and those that do.
  case absent(String, known: [String])
  /// A format after a placeholder's colon.
  case format(String)
  /// A number format after a placeholder for a text.
  case notANumber(String, format: String)
  /// A brace that is not closed.
  case unclosed(String)
  /// A closing brace without an opening one.
  case unopened
}

extension TemplateError: CustomStringConvertible {
  /// What is wrong with the template, and what is possible instead.
  public var description: String {
    switch self {
    case .unknown(let name):
      "The template's {\(name)} is unknown; use one of "
        + SampleTemplate.names.map { "{\($0)}" }.joined(separator: ", ")
        + ", or for each package and domain names such as \(Self.examples)."
        + Suggestions(SampleTemplate.names.map { ($0, "{\($0)}") }).question(about: name)
    case .absent(let name, let known):
      "The template's {\(name)} does not exist on this machine; use one of "
        + known.map { "{\($0)}" }.joined(separator: ", ") + "."
        + Suggestions(known.map { ($0, "{\($0)}") }).question(about: name)
    case .format(let format):
      "The template's :\(format) is not a valid format; use :.0f to :.9f, the number of digits after the point."
    case .notANumber(let name, let format):
      "The template's {\(name)} is a text, but :\(format) is for numbers; write {\(name)}."
    case .unclosed(let rest): "The template's {\(rest) has no closing brace; to print a brace, write {{."
    case .unopened: "The template has one closing brace too many; to print a brace, write }}."
    }
  }

  /// A placeholder for each field of a package or domain.
  private static var examples: String {
    let parts = ["package0", "package0.core", "package0.dram"]
    let names = SampleTemplate.partNames.enumerated().map { "{\(parts[$0 % parts.count]).\($1)}" }
    return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
  }
}
