public import RAPL

extension CPUIdentity {
  /// Reads the first processor of a /proc/cpuinfo text; AMD's RAPL bit is the `[14]` of its power management line.
  ///
  /// - Returns: nil if the text names no vendor, family or model, as that of another architecture does not.
  public init?(cpuinfo: String) {
    var fields: [Substring: Substring] = [:]
    for line in cpuinfo.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let colon = line.firstIndex(of: ":") else {
        if fields.isEmpty { continue }
        break
      }
      fields[line[..<colon].trimmed] = line[line.index(after: colon)...].trimmed
    }
    guard let vendor = fields["vendor_id"], let family = fields["cpu family"].flatMap({ Int($0) }),
      let model = fields["model"].flatMap({ Int($0) })
    else { return nil }
    self.init(
      vendor: CPUVendor(identifier: String(vendor)), family: family, model: model,
      name: String(fields["model name"] ?? ""),
      announcesRAPL: fields["power management"]?.split(separator: " ").contains("[14]") ?? false)
  }
}
