internal import RAPL

extension SampleReport.Package: Decodable {
  private enum CodingKeys: String, CodingKey {
    case watts, joules, domains
    case isLowerBound = "lower_bound"
  }

  /// Reads a package of a sample; domains that this version does not know are left out.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let named = try fields.decode([String: SampleReport.Domain].self, forKey: .domains)
    var domains: [PowerDomain: SampleReport.Domain] = [:]
    for (name, domain) in named {
      if let known = PowerDomain(rawValue: name) { domains[known] = domain }
    }
    self.init(
      id: try PackageID(from: decoder), watts: try fields.decode(Double.self, forKey: .watts),
      joules: try fields.decode(Double.self, forKey: .joules),
      isLowerBound: try fields.decode(Bool.self, forKey: .isLowerBound), domains: domains)
  }
}
