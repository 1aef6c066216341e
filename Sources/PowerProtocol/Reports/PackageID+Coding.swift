package import Formatting
public import RAPL

/// How packages and domains are named in an answer.
extension PackageID: Decodable {
  private enum CodingKeys: String, CodingKey {
    case package, die
  }

  /// Reads the members that identify a package in an answer.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      package: try fields.number(.package, in: Plausible.places),
      die: try fields.optionalNumber(.die, in: Plausible.places))
  }
}

extension PackageID {
  /// The members that identify it in an answer: the die only if there are several.
  package var members: [(String, JSON)] {
    [(CodingKeys.package.rawValue, .integer(package))] + (die.map { [(CodingKeys.die.rawValue, .integer($0))] } ?? [])
  }
}

extension PowerDomain: Decodable {}
