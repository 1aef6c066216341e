import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

@Suite("Powercap")
struct PowercapTests {
  private static func id(_ package: Int, die: Int? = nil) -> PackageID { PackageID(package: package, die: die) }

  @Test(
    "zones are what their names say",
    arguments: [
      ("package-0", nil, id(0), .package), ("package-12", nil, id(12), .package),
      ("package-1-die-3", nil, id(1, die: 3), .package), ("psys", nil, id(0), .psys), ("psys-1", nil, id(1), .psys),
      ("core", "package-1", id(1), .core), ("uncore", "package-0", id(0), .uncore),
      ("dram", "package-0-die-1", id(0, die: 1), .dram),
    ] as [(String, String?, PackageID, PowerDomain)])
  func zones(name: String, parent: String?, package: PackageID, domain: PowerDomain) {
    let zone = DomainID(zone: name, parent: parent)
    #expect(zone?.package == package && zone?.domain == domain)
  }

  @Test(
    "names that are none are no zones",
    arguments: [
      ("", nil), ("package", nil), ("package-", nil), ("package--1", nil), ("package-0-die", nil),
      ("package-0-die-", nil),
      ("package-0-core-1", nil), ("package-99999999999999999999", nil), ("package-+1", nil), ("psys-", nil),
      ("psys-0-1", nil), ("core", nil), ("dram", "dram"), ("dram", "psys"), ("dram-1", "package-0"),
      ("battery", "package-0"),
    ] as [(String, String?)])
  func noZones(name: String, parent: String?) {
    #expect(DomainID(zone: name, parent: parent) == nil)
  }

  @Test(
    "a file that is another one by now is noticed, but one that another file system covers only if the old one is dead")
  func replaced() throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/pkg-watt-stat-zone-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/energy_uj"
    func lead(to target: String) throws {
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
    for name in ["old", "new"] { try "1\n".write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8) }
    try lead(to: "old")
    let counter = try PowercapCounter(path: path)
    #expect(counter.change == nil)
    try lead(to: "/proc/version")
    #expect(counter.change == nil)
    try lead(to: "new")
    #expect(counter.change == .renewedZone(path: path))
    try FileManager.default.removeItem(atPath: path)
    #expect(counter.change == nil)
  }

  @Test(
    "an energy is digits and a line's end",
    arguments: [
      ("0\n", 0), ("262143328850\n", 262_143_328_850), ("5", 5), ("18446744073709551615\n", .max), ("1\njunk", 1),
      ("18446744073709551616\n", nil), ("", nil), ("\n", nil), ("-1\n", nil), (" 1\n", nil), ("1.5\n", nil),
      ("1 \n", nil),
    ] as [(String, UInt64?)])
  func energies(text: String, value: UInt64?) {
    #expect(PowercapCounter.microjoules(Array(text.utf8)) == value)
  }

  /// A folder of powercap zones: folder to name.
  private func tree(_ zones: [String: String]) throws -> (PowercapTree, String) {
    let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
    for (zone, name) in zones {
      let folder = "\(root)/sys/class/powercap/\(zone)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try (name + "\n").write(toFile: folder + "/name", atomically: false, encoding: .utf8)
    }
    return (PowercapTree(root: root), root)
  }

  private static let client = [
    "intel-rapl": "", "intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "uncore",
    "intel-rapl:1": "psys", "intel-rapl-mmio": "", "intel-rapl-mmio:0": "package-0", "dtpm": "",
  ]

  @Test("a counter that shows twice is taken once, by the registers where they show it")
  func duplicates() throws {
    let (tree, root) = try tree(Self.client)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let entries = try tree.entries(vendor: .intel)
    #expect(entries.map(\.zone.domain) == [.package, .core, .uncore, .psys])
    #expect(
      entries.map { $0.folder.split(separator: "/").last } == [
        "intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:1",
      ])
  }

  @Test("the memory-mapped twin stands in where there is no other")
  func memoryMapped() throws {
    let (tree, root) = try tree(["intel-rapl-mmio:0": "package-0"])
    defer { try? FileManager.default.removeItem(atPath: root) }
    #expect(try tree.entries(vendor: .intel).map(\.zone.package) == [Self.id(0)])
  }

  @Test("packages come first, in their order, and each die is one")
  func order() throws {
    let (tree, root) = try tree([
      "intel-rapl:0": "package-1-die-1", "intel-rapl:1": "package-1-die-0", "intel-rapl:10": "package-0-die-0",
      "intel-rapl:0:0": "dram",
    ])
    defer { try? FileManager.default.removeItem(atPath: root) }
    let zones = try tree.entries(vendor: .intel).map(\.zone)
    #expect(zones.map(\.package) == [Self.id(0, die: 0), Self.id(1, die: 0), Self.id(1, die: 1), Self.id(1, die: 1)])
    #expect(zones.last?.domain == .dram)
  }

  @Test("AMD's dies show the package again, and its core zone is one core: neither is a counter of ours")
  func amd() throws {
    let (tree, root) = try tree([
      "intel-rapl:0": "package-0-die-0", "intel-rapl:0:0": "core", "intel-rapl:1": "package-0-die-1",
    ])
    defer { try? FileManager.default.removeItem(atPath: root) }
    let zones = try tree.entries(vendor: .amd).map(\.zone)
    #expect(zones.map(\.package) == [Self.id(0)] && zones.map(\.domain) == [.package])
  }

  @Test(
    "two zones of one name are refused, whoever made the CPU",
    arguments: [CPUVendor.intel, .amd, .hygon, .other("CentaurHauls")], ["package-0", "package-0-die-1"])
  func oneName(vendor: CPUVendor, name: String) throws {
    let (tree, root) = try tree(["intel-rapl:0": name, "intel-rapl:1": name])
    defer { try? FileManager.default.removeItem(atPath: root) }
    let error = #expect(throws: SourceError.self) { try tree.entries(vendor: vendor) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("intel-rapl:0 and intel-rapl:1 in"))
  }

  @Test("dies of another vendor than AMD are counters of their own, as far as names tell; domains are left out")
  func otherDies() throws {
    let (tree, root) = try tree([
      "intel-rapl:0": "package-0-die-0", "intel-rapl:0:0": "core", "intel-rapl:1": "package-0-die-1",
    ])
    defer { try? FileManager.default.removeItem(atPath: root) }
    let zones = try tree.entries(vendor: .other("CentaurHauls")).map(\.zone)
    #expect(zones.map(\.package) == [Self.id(0, die: 0), Self.id(0, die: 1)])
    #expect(zones.allSatisfy { $0.domain == .package })
  }

  @Test("AMD's first generation: the second socket's dies begin with 4, each showing its socket's counter")
  func naples() throws {
    for vendor in [CPUVendor.amd, .hygon] {
      var zones: [String: String] = [:]
      for die in 0..<8 { zones["intel-rapl:\(die)"] = "package-\(die / 4)-die-\(die)" }
      let (tree, root) = try tree(zones)
      defer { try? FileManager.default.removeItem(atPath: root) }
      #expect(try tree.entries(vendor: vendor).map(\.zone.package) == [Self.id(0), Self.id(1)])
    }
  }

  @Test(
    "a folder without zones is refused with what to do", arguments: [[:], ["intel-rapl": ""], ["intel-rapl:0": "psys"]])
  func nothing(zones: [String: String]) throws {
    let (tree, root) = try tree(zones)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let error = #expect(throws: SourceError.self) { try tree.entries(vendor: .intel) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("sudo modprobe intel_rapl_msr"))
  }

  @Test("a zone counts microjoules and wraps a unit after its largest value")
  func wrapping() throws {
    // 2^-14 J a count, as the kernel shows it.
    let zone = try EnergyZone(microjoules: 262_143_328_000, largest: 262_143_328_850)
    let advance = zone.keepAdvancing(by: 900)
    defer { advance.cancel() }
    var source = try EnergySources.powercap(root: zone.root)
    #expect(source.summary.contains("from the kernel's powercap") && source.summary.contains("1 package"))
    let first = source.read().readings[0]
    #expect(first.unit == EnergyUnit(joulesPerCount: 1e-6, source: .powercap))
    var last = first
    var values: [UInt64] = []
    while values.count < 5 {
      last = source.read().readings[0]
      guard case .read(let change) = last.outcome else { break }
      switch change {
      case .advanced(let counts), .wrapped(let counts): values.append(counts)
      case .idle: usleep(1000)
      case .first, .reset, .gap, .resumed, .implausible: Issue.record("\(change)")
      }
    }
    // Each step is a multiple of what was added: the wrap lost nothing and invented nothing.
    #expect(values.allSatisfy { $0 % 900 == 0 }, "\(values)")
    #expect(last.losses == 0)
  }

  @Test(
    "an energy that is junk, missing, or stands still is refused with the reason",
    arguments: [
      ("junk\n", "does not contain a plausible number"), ("", "does not contain a plausible number"),
      ("7\n", "does not move"),
      ("0\n", "reads 0"), (nil, "energy_uj: No such file"),
    ] as [(String?, String)])
  func broken(text: String?, says: String) throws {
    let zone = try EnergyZone(microjoules: 1, largest: 262_143_328_850)
    try zone.write(text)
    let error = #expect(throws: SourceError.self) { try EnergySources.powercap(root: zone.root) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(says))
  }

  @Test(
    "a domain's zone that is of no use is left out, and said",
    arguments: [("0\n", "does not contain a plausible number"), (nil, "No such file")] as [(String?, String)])
  func uselessZone(largest: String?, says: String) throws {
    let zone = try EnergyZone(microjoules: 262_143_328_000, largest: 262_143_328_850)
    try zone.addDomain("core", largest: largest)
    let advance = zone.keepAdvancing(by: 900)
    defer { advance.cancel() }
    let said = Mutex<[String]>([])
    var source = try EnergySources.powercap(
      root: zone.root, domains: [.core], log: { text in said.withLock { $0.append(text) } })
    #expect(source.read().readings.map(\.domain) == [.package])
    #expect(
      said.withLock { $0 }.contains { $0.contains("core counter of package 0 is not measured") && $0.contains(says) })
  }
}

/// A machine of one zone whose energy is a file.
private final class EnergyZone: Sendable {
  let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString
  private let start: UInt64
  private let range: UInt64
  private var path: String { root + "/sys/class/powercap/intel-rapl:0/energy_uj" }

  init(microjoules: UInt64, largest: UInt64) throws {
    start = microjoules
    range = largest + 61
    let folder = root + "/sys/class/powercap/intel-rapl:0"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: root + "/proc", withIntermediateDirectories: true)
    for (name, text) in [
      "/proc/cpuinfo": "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\n",
      "/sys/class/powercap/intel-rapl:0/name": "package-0\n",
      "/sys/class/powercap/intel-rapl:0/max_energy_range_uj": "\(largest)\n",
    ] {
      try text.write(toFile: root + name, atomically: false, encoding: .utf8)
    }
    try write("\(start)\n")
  }

  /// A zone of a domain, whose largest value is in no file if there is none.
  func addDomain(_ name: String, largest: String?) throws {
    let folder = root + "/sys/class/powercap/intel-rapl:0:0"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for case (let file, let text?) in [("name", name), ("energy_uj", "1000\n"), ("max_energy_range_uj", largest)] {
      try text.write(toFile: "\(folder)/\(file)", atomically: false, encoding: .utf8)
    }
  }

  func write(_ text: String?) throws {
    guard let text else { return try FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  /// Adds so many microjoules every millisecond, written in place and at one length, so that no reader sees half a number.
  func keepAdvancing(by step: UInt64) -> Task<Void, Never> {
    Task.detached { [self] in
      let descriptor = open(path, O_WRONLY)
      defer { close(descriptor) }
      var value = start
      while !Task.isCancelled {
        value = (value + step) % range
        let text = String(repeating: "0", count: 12 - "\(value)".count) + "\(value)\n"
        pwrite(descriptor, text, text.utf8.count, 0)
        usleep(1000)
      }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}
