/// Who made a CPU: decides which registers hold its energy.
public enum CPUVendor: Sendable, Equatable {
  /// "GenuineIntel".
  case intel
  /// "AuthenticAMD".
  case amd
  /// "HygonGenuine": AMD's design and registers.
  case hygon
  /// Any other vendor string, as read.
  case other(String)

  /// The vendor behind the string that CPUID leaf 0 and /proc/cpuinfo give.
  public init(identifier: String) {
    switch identifier {
    case "GenuineIntel": self = .intel
    case "AuthenticAMD": self = .amd
    case "HygonGenuine": self = .hygon
    default: self = .other(identifier)
    }
  }
}

/// What a CPU says it is.
public struct CPUIdentity: Sendable, Equatable {
  /// Who made it.
  public var vendor: CPUVendor
  /// The display family: 6 for most of Intel's, 17h and later for AMD's with RAPL.
  public var family: Int
  /// The display model, extended bits included.
  public var model: Int
  /// The marketing name, or an empty string.
  public var name: String
  /// AMD and Hygon: RAPL is announced (CPUID 80000007h EDX bit 14). Has no meaning for Intel, which announces nothing.
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
  /// The extended family is added to family 0Fh only. The extended model counts from family 6 on: the manuals name families
  /// 6 and 0Fh, and family 7 (Zhaoxin) does the same, as the kernel reads it.
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
  /// The marketing name, with family and model as the manuals write them.
  public var description: String {
    let numbers = "family \(hexadecimal(family)), model \(hexadecimal(model))"
    return name.isEmpty ? "\(vendor) CPU, \(numbers)" : "\(name) (\(numbers))"
  }

  private func hexadecimal(_ number: Int) -> String {
    String(number, radix: 16, uppercase: true) + "h"
  }
}

extension CPUVendor: CustomStringConvertible {
  /// The name a person would use.
  public var description: String {
    switch self {
    case .intel: "Intel"
    case .amd: "AMD"
    case .hygon: "Hygon"
    case .other(let identifier): identifier.isEmpty ? "unknown" : identifier
    }
  }
}
