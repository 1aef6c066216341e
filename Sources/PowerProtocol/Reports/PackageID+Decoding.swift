public import RAPL

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

extension PowerDomain: Decodable {}
