package import Formatting
public import RAPL

/// How packages and domains are named in an answer.
extension PackageID: Decodable {
  private enum CodingKeys: String, CodingKey {
    case package, die
  }

  /// Reads what names a package in an answer.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      package: try fields.number(.package, in: Plausible.places),
      die: try fields.optionalNumber(.die, in: Plausible.places))
  }
}

extension PackageID {
  /// How it is named in an answer: the die only where there are several.
  package var members: [(String, JSON)] {
    [(CodingKeys.package.rawValue, .integer(package))] + (die.map { [(CodingKeys.die.rawValue, .integer($0))] } ?? [])
  }
}

extension PowerDomain: Decodable {}
