internal import Formatting
public import PowerProtocol
public import RAPL

/// A value of a sample by its name: a column of a table, a placeholder of a template.
///
/// Of the whole sample: "watts". Of a package: "package0.watts", of a die "package0.die1.watts", of a domain
/// "package0.core.watts".
public enum SampleField: Sendable, Equatable {
  /// A value of the whole sample.
  public enum Whole: String, Sendable, CaseIterable {
    /// The window's end, in seconds since 1970.
    case timestamp
    /// How much the watts are worth.
    case status
    /// The window's length.
    case windowSeconds = "window_seconds"
    /// The mean of all packages.
    case watts
    /// All packages' energy since the service's start.
    case joules
    /// Whether the joules are the least that was drawn.
    case lowerBound = "lower_bound"
    /// Readings left out so far.
    case rejectedReadings = "rejected_readings"
    /// Numbers the samples of a stream.
    case sequence
    /// Why the status is not "ok".
    case reason
  }

  /// A value of a part of the machine.
  public enum Quantity: String, Sendable, CaseIterable {
    /// The mean over the window.
    case watts
    /// Energy since the service's start.
    case joules
    /// Whether the joules are the least that was drawn.
    case lowerBound = "lower_bound"
  }

  /// What a field holds.
  public enum Value: Sendable, Equatable {
    /// A number.
    case number(Double)
    /// A text.
    case text(String)
  }

  /// Of the whole sample.
  case whole(Whole)
  /// Of a package, or of a domain of it.
  case part(PackageID, PowerDomain, Quantity)

  /// The field of that name.
  ///
  /// - Returns: nil for a name that no machine has.
  public init?(_ name: String) {
    if let whole = Whole(rawValue: name) {
      self = .whole(whole)
      return
    }
    var pieces = name.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }[...]
    guard let package = Self.number(pieces.popFirst(), after: "package"),
      let quantity = pieces.popLast().flatMap({ Quantity(rawValue: $0) })
    else { return nil }
    let die = Self.number(pieces.first, after: "die")
    if die != nil { pieces.removeFirst() }
    guard let domain = pieces.isEmpty ? .package : PowerDomain(rawValue: pieces.removeFirst()), pieces.isEmpty
    else { return nil }
    self = .part(PackageID(package: package, die: die), domain, quantity)
    // "package00.watts" and "package0.package.watts" are not names.
    guard self.name == name else { return nil }
  }

  private static func number(_ text: String?, after word: String) -> Int? {
    guard let text, text.hasPrefix(word) else { return nil }
    return Int(text.dropFirst(word.count))
  }

  /// The name.
  public var name: String {
    switch self {
    case .whole(let whole): return whole.rawValue
    case .part(let id, let domain, let quantity):
      let die = id.die.map { ".die\($0)" } ?? ""
      return "package\(id.package)\(die)" + (domain == .package ? "" : ".\(domain.rawValue)") + ".\(quantity.rawValue)"
    }
  }

  /// Whether its values are numbers; else they are texts.
  var isNumber: Bool {
    switch self {
    case .whole(.status), .whole(.lowerBound), .whole(.reason), .part(_, _, .lowerBound): false
    case .whole, .part: true
    }
  }

  /// Its value in a sample; nil where it was not measured. The watts of a stale sample were not.
  public func value(in sample: SampleReport) -> Value? {
    let isStale = sample.status == .stale
    switch self {
    case .whole(let whole):
      return switch whole {
      case .timestamp: .number(sample.unixSeconds)
      case .status: .text(sample.status.rawValue)
      case .windowSeconds: isStale ? nil : .number(sample.windowSeconds)
      case .watts: isStale ? nil : .number(sample.watts)
      case .joules: .number(sample.joules)
      case .lowerBound: .text("\(sample.isLowerBound)")
      case .rejectedReadings: .number(Double(sample.rejectedReadings))
      case .sequence: .number(Double(sample.sequence))
      case .reason: .text(sample.reason ?? "")
      }
    case .part(let id, let domain, let quantity):
      guard let package = sample.packages.first(where: { $0.id == id }) else { return nil }
      let part =
        domain == .package
        ? .init(watts: package.watts, joules: package.joules, isLowerBound: package.isLowerBound)
        : package.domains[domain]
      return switch quantity {
      case .watts: isStale ? nil : part?.watts.map { .number($0) }
      case .joules: part.map { .number($0.joules) }
      case .lowerBound: part.map { .text("\($0.isLowerBound)") }
      }
    }
  }

  /// The fields of what a service measures: each package's, then those of its domains.
  public static func parts(of info: ServiceInfo) -> [SampleField] {
    info.packages.flatMap { package in
      let others = package.domains.map(\.domain).filter { $0 != .package }
      return ([.package] + others).flatMap { domain in
        Quantity.allCases.map { SampleField.part(package.id, domain, $0) }
      }
    }
  }
}

extension SampleField.Value {
  /// The value as text: a number as JSON writes it, or rounded.
  ///
  /// - Parameter places: how many digits are to stand after a number's point; nil for all that it has.
  func text(places: Int? = nil) -> String {
    switch self {
    case .number(let number): places.map { Numbers.fixed(number, places: $0) } ?? JSON.number(number).text
    case .text(let text): text
    }
  }
}
