/// The addresses of a vendor's energy registers (MSRs).
///
/// Sources: Intel SDM volume 4; AMD PPR for family 17h and later; Linux arch/x86/include/asm/msr-index.h.
public enum RegisterMap: Sendable, Equatable {
  /// MSR_RAPL_POWER_UNIT and related registers.
  case intel
  /// MSR_AMD_RAPL_POWER_UNIT and related registers; also Hygon's.
  case amd

  /// The registers of a vendor, or nil for a vendor that is not known to have any.
  public init?(vendor: CPUVendor) {
    switch vendor {
    case .intel: self = .intel
    case .amd, .hygon: self = .amd
    case .other: return nil
    }
  }

  /// The register with the energy, power and time units.
  public var units: UInt32 { self == .intel ? 0x606 : 0xC001_0299 }

  /// Whether the core domain has a counter in each physical core, instead of one for the package.
  public var countsEachCore: Bool { self == .amd }

  /// The energy counter of a domain, or nil if the vendor has no such domain.
  ///
  /// AMD's core counter is one for each physical core: the domain is their sum.
  public func energy(of domain: PowerDomain) -> UInt32? {
    switch (self, domain) {
    case (.intel, .package): 0x611
    case (.intel, .core): 0x639
    case (.intel, .uncore): 0x641
    case (.intel, .dram): 0x619
    case (.intel, .psys): 0x64D
    case (.amd, .package): 0xC001_029B
    case (.amd, .core): 0xC001_029A
    case (.amd, .uncore), (.amd, .dram), (.amd, .psys): nil
    }
  }
}
