internal import CMSRShim
internal import RAPL

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
