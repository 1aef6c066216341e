/// The vendor of a CPU, which decides which registers hold its energy.
public enum CPUVendor: Sendable, Equatable {
  /// "GenuineIntel".
  case intel
  /// "AuthenticAMD".
  case amd
  /// "HygonGenuine": AMD's design and registers.
  case hygon
  /// Any other vendor string, as read.
  case other(String)

  /// The vendor for the string of CPUID leaf 0 and /proc/cpuinfo.
  public init(identifier: String) {
    switch identifier {
    case "GenuineIntel": self = .intel
    case "AuthenticAMD": self = .amd
    case "HygonGenuine": self = .hygon
    default: self = .other(identifier)
    }
  }
}

/// The identity of a CPU, as it reports it.
public struct CPUIdentity: Sendable, Equatable {
  /// The vendor.
  public var vendor: CPUVendor
  /// The display family: 6 for most of Intel's, 17h and newer for AMD's with RAPL.
  public var family: Int
  /// The display model, including the extended bits.
  public var model: Int
  /// The marketing name, or an empty string.
  public var name: String
  /// AMD and Hygon: whether RAPL is announced (CPUID 80000007h EDX bit 14). Meaningless for Intel, which announces nothing.
  public var announcesRAPL: Bool

  /// An identity from its parts.
  public init(vendor: CPUVendor, family: Int, model: Int, name: String = "", announcesRAPL: Bool = false) {
    self.vendor = vendor
    self.family = family
    self.model = model
    self.name = name
    self.announcesRAPL = announcesRAPL
  }
}

extension CPUIdentity {
  /// The family and model of a CPUID signature (leaf 1, EAX).
  ///
  /// The extended family is added only to family 0Fh. The extended model counts from family 6 on: the manuals name families 6 and
  /// 0Fh, and family 7 (Zhaoxin) does the same, as in the kernel.
  ///
  /// Sources: Intel SDM volume 2A, CPUID, "DisplayFamily" and "DisplayModel"; Linux arch/x86/lib/cpu.c.
  public static func numbers(signature: UInt32) -> (family: Int, model: Int) {
    let family = Int(signature >> 8 & 0xF)
    let model = Int(signature >> 4 & 0xF)
    return (
      family == 0xF ? family + Int(signature >> 20 & 0xFF) : family,
      family >= 6 ? Int(signature >> 16 & 0xF) << 4 + model : model
    )
  }
}

extension CPUIdentity: CustomStringConvertible {
  /// The marketing name, with family and model in the notation of the manuals.
  public var description: String {
    let numbers = "family \(hexadecimal(family)), model \(hexadecimal(model))"
    return name.isEmpty ? "\(vendor) CPU, \(numbers)" : "\(name) (\(numbers))"
  }

  private func hexadecimal(_ number: Int) -> String {
    String(number, radix: 16, uppercase: true) + "h"
  }
}

extension CPUVendor: CustomStringConvertible {
  /// The vendor's usual name.
  public var description: String {
    switch self {
    case .intel: "Intel"
    case .amd: "AMD"
    case .hygon: "Hygon"
    case .other(let identifier): identifier.isEmpty ? "unknown" : identifier
    }
  }
}
