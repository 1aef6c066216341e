internal import RAPL

extension ServiceInfo.Package: Decodable {
  private enum CodingKeys: String, CodingKey {
    case domains
  }

  /// Reads a package of `info`.
  public init(from decoder: any Decoder) throws {
    self.init(
      id: try PackageID(from: decoder),
      domains: try decoder.container(keyedBy: CodingKeys.self).decode([ServiceInfo.Domain].self, forKey: .domains))
  }
}
