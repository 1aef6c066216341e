import PowerSources
import RAPL
import Testing

/// The lines of one processor, as kernels write them.
private func cpuinfo(
  _ vendor: String, family: String, model: String, name: String = "", power: String? = ""
) -> String {
  let management = power.map { "power management: \($0)\n" } ?? ""
  return """
    processor\t: 0
    vendor_id\t: \(vendor)
    cpu family\t: \(family)
    model\t\t: \(model)
    model name\t: \(name)
    stepping\t: 10
    flags\t\t: fpu vme de pse tsc msr
    address sizes\t: 39 bits physical, 48 bits virtual
    \(management)

    """
}

@Suite("A cpuinfo text")
struct CPUInfoTests {
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let vendor: CPUVendor
    let family: Int
    let model: Int
    var announces = false
  }

  @Test(
    "tells vendor, family, model and AMD's RAPL bit",
    arguments: [
      Case(
        testDescription: "Intel client",
        text: cpuinfo("GenuineIntel", family: "6", model: "158", name: "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz"),
        vendor: .intel, family: 6, model: 0x9E),
      Case(
        testDescription: "Intel server, many processors",
        text: String(
          repeating: cpuinfo("GenuineIntel", family: "6", model: "143", name: "Intel(R) Xeon(R) Platinum 8480+"),
          count: 224),
        vendor: .intel, family: 6, model: 0x8F),
      Case(
        testDescription: "Diamond Rapids", text: cpuinfo("GenuineIntel", family: "19", model: "1"), vendor: .intel,
        family: 19, model: 1),
      Case(
        testDescription: "AMD Zen 4",
        text: cpuinfo(
          "AuthenticAMD", family: "25", model: "97", name: "AMD Ryzen 9 7950X 16-Core Processor",
          power: "ts ttp tm hwpstate cpb eff_freq_ro [13] [14]"),
        vendor: .amd, family: 25, model: 0x61, announces: true),
      Case(
        testDescription: "AMD in a virtual machine",
        text: cpuinfo("AuthenticAMD", family: "23", model: "49", name: "AMD EPYC-Rome Processor"), vendor: .amd,
        family: 23, model: 0x31),
      Case(
        testDescription: "AMD, no power management line",
        text: cpuinfo("AuthenticAMD", family: "23", model: "49", power: nil), vendor: .amd, family: 23, model: 0x31),
      Case(
        testDescription: "Hygon",
        text: cpuinfo(
          "HygonGenuine", family: "24", model: "1", power: "ts ttp tm hwpstate cpb eff_freq_ro [13] [14]"),
        vendor: .hygon, family: 24, model: 1, announces: true),
      Case(
        testDescription: "blank lines before it", text: "\n\n" + cpuinfo("GenuineIntel", family: "6", model: "94"),
        vendor: .intel, family: 6, model: 94),
      Case(
        testDescription: "a vendor that we do not know", text: cpuinfo("  Shanghai  ", family: "7", model: "59"),
        vendor: .other("Shanghai"), family: 7, model: 59),
    ])
  func cases(_ example: Case) throws {
    let identity = try #require(CPUIdentity(cpuinfo: example.text))
    #expect(identity.vendor == example.vendor)
    #expect(identity.family == example.family && identity.model == example.model)
    #expect(identity.announcesRAPL == example.announces)
  }

  @Test(
    "that is no x86 machine's is none",
    arguments: [
      "processor\t: 0\nBogoMIPS\t: 48.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n",
      "processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\n",
      "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n\nmachine\t\t: PowerNV\nmodel\t\t: 9006-22P\n",
      "vendor_id: GenuineIntel\n\ncpu family: 6\nmodel: 94\n",
      "vendor_id: GenuineIntel\ncpu family: 0x6\nmodel: 94\n",
      "vendor_id: GenuineIntel\ncpu family: 6\nmodel: 99999999999999999999\n",
      "vendor_id: GenuineIntel\ncpu family: 6\nmodel name: 94\n",
      "<html>404: not found</html>", "\u{0}\u{0}:\u{0}", "vendor_id:\u{301}\n",
    ])
  func foreign(text: String) {
    #expect(CPUIdentity(cpuinfo: text) == nil)
  }

  @Test("of megabytes is read to its first processor, quickly", .timeLimit(.minutes(1)))
  func huge() throws {
    let identity = try #require(
      CPUIdentity(
        cpuinfo: cpuinfo("GenuineIntel", family: "6", model: "94") + String(repeating: "x: y\n", count: 200_000)))
    #expect(identity.model == 94)
    #expect(CPUIdentity(cpuinfo: String(repeating: "x", count: 1_000_000)) == nil)
  }

  @Test(
    "a CPUID signature is read as the manuals say, family 7 as the kernel does",
    arguments: [
      (0x0003_06C3, 6, 0x3C), (0x0005_06E3, 6, 0x5E), (0x000C_06F2, 6, 0xCF), (0x0000_0F41, 15, 4),
      (0x0030_0F10, 18, 1), (0x0030_0F30, 18, 3), (0x0040_0F10, 19, 1), (0x00A2_0F12, 0x19, 0x21),
      (0x00B4_0F40, 0x1A, 0x44), (0x0090_0F11, 0x18, 1), (0x0003_07B0, 7, 0x3B), (0x0000_0543, 5, 4),
      (0x0FF1_0543, 5, 4), (0x0FF1_0663, 6, 0x16),
    ] as [(UInt32, Int, Int)])
  func signatures(signature: UInt32, family: Int, model: Int) {
    let numbers = CPUIdentity.numbers(signature: signature)
    #expect(numbers.family == family && numbers.model == model)
  }

  @Test("without a name is told by vendor and numbers")
  func nameless() throws {
    let identity = try #require(CPUIdentity(cpuinfo: cpuinfo("AuthenticAMD", family: "25", model: "97")))
    #expect(identity.description == "AMD CPU, family 19h, model 61h")
  }

  @Test("an endless list of CPUs is refused, the longest possible one is not", .timeLimit(.minutes(1)))
  func lists() {
    #expect(CPUList.parse("0-8191")?.count == 8192)
    let every = (0..<8192).map(String.init).joined(separator: ",")
    #expect(CPUList.parse(every)?.count == 8192)
    #expect(CPUList.parse(every + ",8192") == nil)
    #expect(CPUList.parse(String(repeating: "0,", count: 1_000_000)) == nil)
    #expect(CPUList.parse(String(repeating: "9", count: 1_000_000)) == nil)
    #expect(CPUList.parse(String(repeating: "-", count: 100_000)) == nil)
    #expect(CPUList.parse("٣") == nil && CPUList.parse("1\u{0}") == nil)
  }

  @Test(
    "a list of CPUs is written as the kernel writes it",
    arguments: [([], ""), ([0], "0"), ([0, 1, 2], "0-2"), ([0, 2, 3, 8], "0,2-3,8")])
  func cpuListText(cpus: [Int], text: String) {
    #expect(CPUList.text(cpus) == text)
    #expect(CPUList.parse(text) == cpus)
  }

  @Test(
    "a kernel's list of CPUs is read, junk is not",
    arguments: [
      ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0,2-3,8\n", [0, 2, 3, 8]), ("", []), ("\n", []), (" 5 ", [5]),
      ("3-1", nil), ("0,0", nil), ("2,1", nil), ("a", nil), ("-1", nil), ("0-", nil), ("1,,2", nil), ("+1", nil),
      ("0-99999999999999999999", nil), ("0-8192", nil), ("0-3 x", nil), ("1-2-3", nil),
    ] as [(String, [Int]?)])
  func cpuLists(text: String, expected: [Int]?) {
    #expect(CPUList.parse(text) == expected)
  }
}
