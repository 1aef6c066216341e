public import PowerProtocol

/// A text with placeholders, such as `{watts:.1f} W {package0.core.watts}`; `{{` and `}}` stand for braces.
public struct SampleTemplate: Sendable, Equatable {
  private enum Part: Sendable, Equatable {
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
    let known = SampleField.parts(of: info)
    for case .field(let field, _) in parts {
      if case .part = field, !known.contains(field) {
        throw .absent(field.name, known: known.map(\.name))
      }
    }
  }

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
