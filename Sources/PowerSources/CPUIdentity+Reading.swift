internal import CMSRShim
internal import Formatting
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

extension CPUIdentity {
  /// Asks the CPU itself. Sources: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
  static func fromInstruction() -> Self {
    let vendor = cmsr_cpuid(0)
    let (family, model) = numbers(signature: cmsr_cpuid(1).eax)
    return Self(
      vendor: CPUVendor(identifier: text([vendor.ebx, vendor.edx, vendor.ecx])),
      family: family, model: model,
      name: text((0x8000_0002...0x8000_0004).flatMap { leaf in registers(leaf) }),
      announcesRAPL: cmsr_cpuid(0x8000_0007).edx >> 14 & 1 == 1)
  }

  private static func registers(_ leaf: UInt32) -> [UInt32] {
    let answer = cmsr_cpuid(leaf)
    return [answer.eax, answer.ebx, answer.ecx, answer.edx]
  }

  /// The characters in registers, up to a zero, without blanks around them.
  private static func text(_ registers: [UInt32]) -> String {
    let bytes = registers.flatMap { register in (0..<4).map { UInt8(truncatingIfNeeded: register >> ($0 * 8)) } }
    let words = bytes.prefix { $0 != 0 }.split(separator: UInt8(ascii: " "))
    return words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
  }
}
