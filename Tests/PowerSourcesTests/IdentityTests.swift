import PowerSources
import RAPL
import Testing

@Suite("Who a CPU is")
struct IdentityTests {
  private let amd = """
    processor\t: 0
    vendor_id\t: AuthenticAMD
    cpu family\t: 25
    model\t\t: 33
    model name\t: AMD Ryzen 9 5950X 16-Core Processor
    power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]

    processor\t: 1
    vendor_id\t: GenuineIntel
    cpu family\t: 6
    model\t\t: 94

    """

  @Test("the first processor of a cpuinfo text decides")
  func first() throws {
    let identity = try #require(CPUIdentity(cpuinfo: amd))
    #expect(identity.vendor == .amd && identity.family == 25 && identity.model == 33 && identity.announcesRAPL)
    #expect(identity.description == "AMD Ryzen 9 5950X 16-Core Processor (family 19h, model 21h)")
  }

  @Test("AMD's RAPL bit is a word of its own")
  func announced() throws {
    let without = amd.replacing("[13] [14]", with: "[13] [140]")
    #expect(try #require(CPUIdentity(cpuinfo: without)).announcesRAPL == false)
    let missing = amd.replacing(/power management.*/, with: "")
    #expect(try #require(CPUIdentity(cpuinfo: missing)).announcesRAPL == false)
  }

  @Test(
    "vendors are known by their CPUID string",
    arguments: [
      ("GenuineIntel", .intel, "Intel"), ("AuthenticAMD", .amd, "AMD"), ("HygonGenuine", .hygon, "Hygon"),
      ("CentaurHauls", .other("CentaurHauls"), "CentaurHauls"), ("", .other(""), "unknown"),
    ] as [(String, CPUVendor, String)])
  func vendors(identifier: String, vendor: CPUVendor, name: String) {
    #expect(CPUVendor(identifier: identifier) == vendor)
    #expect(vendor.description == name)
  }

  @Test(
    "a text without vendor, family and model is none",
    arguments: [
      "", "\n\n", "processor : 0\nBogoMIPS : 50\n", "vendor_id : GenuineIntel\ncpu family : six\nmodel : 1\n", ":::",
    ])
  func junk(text: String) {
    #expect(CPUIdentity(cpuinfo: text) == nil)
    #expect(CPUIdentity(cpuinfo: String(repeating: text, count: 1000)) == nil)
  }
}
