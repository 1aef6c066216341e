internal import Formatting
public import PowerProtocol
internal import RAPL

/// A named field of a sample, or of a part of it: a column of a table, or a placeholder of a template.
///
/// For the whole sample: "watts". For a package: "package0.watts", for a die "package0.die1.watts", for a domain
/// "package0.core.watts".
public struct SampleField: Sendable {
  /// A package, or a domain of it.
  private struct Part {
    let id: PackageID
    let domain: PowerDomain
  }

  private let field: Field
  /// nil for the whole sample.
  private let part: Part?
  /// The name.
  public let name: String

  /// The field with this name.
  ///
  /// - Returns: nil for a name that does not exist on any machine.
  public init?(_ name: String) {
    if let field = Field.ofSample.first(where: { $0.name == name }) {
      self.init(field)
      return
    }
    var pieces = name.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }[...]
    guard let package = Self.number(pieces.popFirst(), after: "package"), let last = pieces.popLast(),
      let field = Field.ofParts.first(where: { $0.name == last })
    else { return nil }
    let die = Self.number(pieces.first, after: "die")
    if die != nil { pieces.removeFirst() }
    guard let domain = pieces.isEmpty ? .package : PowerDomain(rawValue: pieces.removeFirst()), pieces.isEmpty
    else { return nil }
    self.init(field, Part(id: PackageID(package: package, die: die), domain: domain))
    // "package00.watts" and "package0.package.watts" are not names.
    guard self.name == name else { return nil }
  }

  private init(_ field: Field, _ part: Part? = nil) {
    self.field = field
    self.part = part
    let name = field.name ?? ""
    guard let part else {
      self.name = name
      return
    }
    let die = part.id.die.map { ".die\($0)" } ?? ""
    let domain = part.domain == .package ? "" : ".\(part.domain.rawValue)"
    self.name = "package\(part.id.package)\(die)\(domain).\(name)"
  }

  private static func number(_ text: String?, after word: String) -> Int? {
    guard let text, text.hasPrefix(word) else { return nil }
    return Int(text.dropFirst(word.count))
  }

  /// Whether its values are numbers.
  var isNumber: Bool { field.isNumber }
  /// Whether it belongs to a package or domain, which a machine may not have.
  var isOfPart: Bool { part != nil }

  /// Its value in a sample; nil if it was not measured.
  public func value(in sample: SampleReport) -> Field.Value? {
    switch (field.source, part) {
    case (.sample(let value), _): value(sample)
    case (.part(let value), let part?):
      sample.parts.first { $0.package == part.id && $0.domain == part.domain }.flatMap { value(sample, $0) }
    case (.part, nil), (.scrape, _), (.unit, _): nil
    }
  }

  /// The columns of a table for a service: those of the whole sample, then those of each part.
  static func columns(of info: ServiceInfo) -> [SampleField] {
    Field.ofSample.filter(\.isColumn).map { SampleField($0) } + parts(of: info)
  }

  /// The fields of a service: those of each package, followed by those of its domains.
  public static func parts(of info: ServiceInfo) -> [SampleField] {
    info.packages.flatMap { package in
      let others = package.domains.map(\.domain).filter { $0 != .package }
      return ([.package] + others).flatMap { domain in
        Field.ofParts.map { SampleField($0, Part(id: package.id, domain: domain)) }
      }
    }
  }
}

extension Field.Value {
  /// The value as text: a number as JSON writes it, or rounded.
  ///
  /// - Parameter places: the number of digits after the point; nil for all.
  func text(places: Int? = nil) -> String {
    switch self {
    case .number(let number): places.map { Numbers.fixed(number, places: $0) } ?? JSON.number(number).text
    case .flag(let flag): "\(flag)"
    case .text(let text): text
    }
  }
}
