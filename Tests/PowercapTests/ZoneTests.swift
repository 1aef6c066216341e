import RAPL
import Testing

@testable import PowerProtocol
@testable import Powercap

@Suite("The zones of a service")
struct ZoneTests {
  private static func info(_ packages: [(PackageID, [PowerDomain])]) -> ServiceInfo {
    ServiceInfo(
      version: "", source: "msr", isSimulated: false, intervalSeconds: 1, cpu: nil, description: "",
      packages: packages.map { id, domains in
        ServiceInfo.Package(
          id: id, domains: domains.map { ServiceInfo.Domain(domain: $0, unitJoules: nil, unitSource: nil) })
      },
      policy: Policy(
        isTrusted: false, trustedGroup: nil, shortestIntervalSeconds: 0.25, wattsResolution: 0.01,
        joulesResolution: 0.01))
  }

  /// Every file of a tree that is reached without a link, with its text, and every link with its target.
  private static func list(_ tree: ZoneTree) -> [String] {
    func path(_ index: Int) -> String {
      index == 0 ? "" : path(tree.nodes[index].folder) + "/" + tree.nodes[index].name
    }
    return tree.nodes.indices.compactMap { index in
      switch tree.nodes[index].content {
      case .folder: nil
      case .text(let text): "\(path(index)) = \(text.dropLast())"
      case .link(let target): "\(path(index)) -> \(target)"
      case .energy(let zone): "\(path(index)): \(zone.package) \(zone.domain.rawValue)"
      }
    }
  }

  @Test(
    "have the kernel's names and numbers",
    arguments: [
      (
        [(PackageID(package: 0), [.package, .psys, .uncore, .core])],
        ["intel-rapl:0 package-0", "intel-rapl:0:0 core", "intel-rapl:0:1 uncore", "intel-rapl:1 psys"]
      ),
      (
        [(PackageID(package: 1), [.package, .dram, .psys]), (PackageID(package: 0), [.package, .dram])],
        [
          "intel-rapl:0 package-0", "intel-rapl:0:0 dram", "intel-rapl:1 package-1", "intel-rapl:1:0 dram",
          "intel-rapl:2 psys-1",
        ]
      ),
      (
        [(PackageID(package: 0, die: 0), [.package]), (PackageID(package: 0, die: 1), [.package])],
        ["intel-rapl:0 package-0-die-0", "intel-rapl:1 package-0-die-1"]
      ),
    ] as [([(PackageID, [PowerDomain])], [String])])
  func names(packages: [(PackageID, [PowerDomain])], expected: [String]) throws {
    let tree = ZoneTree(EnergyZones(Self.info(packages)).zones)
    // As they are found in /sys/class/powercap: by links, beside the control type's folder.
    guard case .folder(let top) = tree.nodes[0].content else { throw Missing() }
    let found = try top.filter { tree.nodes[$0].name != "intel-rapl" }.map { index in
      guard case .link(let target) = tree.nodes[index].content else { throw Missing() }
      var place = 0
      for word in target.split(separator: "/").map(String.init) + ["name"] {
        guard let next = tree.find(word, in: place) else { throw Missing() }
        place = next
      }
      guard case .text(let name) = tree.nodes[place].content else { throw Missing() }
      return "\(tree.nodes[index].name) \(name.dropLast())"
    }
    #expect(found == expected)
  }

  private struct Missing: Error {}

  @Test("have the kernel's files")
  func files() {
    let tree = ZoneTree([
      EnergyZone(PackageID(package: 0), .package), EnergyZone(PackageID(package: 0), .dram),
    ])
    #expect(
      Set(Self.list(tree)) == [
        "/intel-rapl/enabled = 1", "/intel-rapl/subsystem -> ..",
        "/intel-rapl:0 -> intel-rapl/intel-rapl:0", "/intel-rapl:0:0 -> intel-rapl/intel-rapl:0/intel-rapl:0:0",
        "/intel-rapl/intel-rapl:0/name = package-0", "/intel-rapl/intel-rapl:0/energy_uj: package 0 package",
        "/intel-rapl/intel-rapl:0/max_energy_range_uj = 262143328850", "/intel-rapl/intel-rapl:0/enabled = 1",
        "/intel-rapl/intel-rapl:0/subsystem -> ../..",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/name = dram",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/energy_uj: package 0 dram",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/max_energy_range_uj = 262143328850",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/enabled = 1",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/subsystem -> ../../..",
      ])
    #expect(tree.find("name", in: 0) == nil && tree.find("intel-rapl", in: 1) == nil && tree.find("x", in: 99) == nil)
  }

  @Test("stay where they are when the service finds another package, which comes behind them")
  func later() {
    let before = EnergyZones(Self.info([(PackageID(package: 1), [.package, .psys])])).zones
    let after = EnergyZones(
      Self.info([(PackageID(package: 0), [.package, .core]), (PackageID(package: 1), [.package, .dram, .psys])])
    ).zones
    var tree = ZoneTree(before)
    let nodes = tree.nodes
    tree.add(after)
    // Indices are what the kernel knows them by.
    #expect(zip(nodes, tree.nodes).allSatisfy { $0.name == $1.name && $0.folder == $1.folder })
    let names = Self.list(tree).filter { $0.contains("/name = ") }
    #expect(
      Set(names) == [
        "/intel-rapl/intel-rapl:0/name = package-1", "/intel-rapl/intel-rapl:1/name = psys-1",
        "/intel-rapl/intel-rapl:0/intel-rapl:0:0/name = dram",
        "/intel-rapl/intel-rapl:2/name = package-0", "/intel-rapl/intel-rapl:2/intel-rapl:2:0/name = core",
      ])
    #expect(names.count == 5)
    let all = tree.nodes
    tree.add(before + after)
    #expect(tree.nodes == all)
  }

  @Test(
    "cost an interrupt for each core only if core is the only domain",
    arguments: [
      ([.package, .core], true), ([.package], false), ([.package, .core, .uncore], false), ([.package, .dram], false),
    ] as [([PowerDomain], Bool)])
  func cost(domains: [PowerDomain], expected: Bool) {
    #expect(EnergyZones(Self.info([(PackageID(package: 0), domains)])).hasCostlyDomains == expected)
  }

  private static let package = EnergyZone(PackageID(package: 0), .package)
  private static let core = EnergyZone(PackageID(package: 0), .core)

  private static func sample(
    at seconds: Double, _ joules: Double, window: Double = 0.25, watts: Double = 40, status: PowerLine.Status = .ok,
    core: SampleReport.Domain? = nil
  ) -> SampleReport {
    SampleReport(
      sequence: 1, unixSeconds: 0, monotonicSeconds: seconds, windowSeconds: window, watts: watts, joules: joules,
      isLowerBound: false, status: status,
      packages: [
        SampleReport.Package(
          id: PackageID(package: 0), watts: watts, joules: joules, isLowerBound: false,
          domains: core.map { [.core: $0] } ?? [:])
      ],
      service: SampleReport.Cost(cpuSeconds: 0, wakeups: 0))
  }

  @Test("show what a subscription says, and nothing new while it is stale")
  func samples() {
    var zones = EnergyZones(Self.info([(PackageID(package: 0), [.package, .core])]))
    zones.begin(stepSeconds: 0.25)
    #expect(zones.value(of: Self.package, at: 100) == .unknown)
    zones.take(Self.sample(at: 100, 20.004))
    // Also a client that the service tells more does not pass it on.
    #expect(zones.value(of: Self.package, at: 100.275) == .microjoules(20_000_000))
    #expect(zones.value(of: Self.core, at: 100.275) == .unknown)
    #expect(zones.value(of: Self.package, at: 101) == .afterNextReading)
    zones.take(Self.sample(at: 100, 20, status: .stale))
    #expect(zones.isStale && zones.value(of: Self.package, at: 101) == .afterNextReading)
    #expect(zones.value(of: Self.package, at: 100.2) == .microjoules(20_000_000), "it has shown this already")
    zones.take(Self.sample(at: 101, 60))
    #expect(!zones.isStale && zones.value(of: Self.package, at: 101.275) == .microjoules(60_000_000))
  }

  @Test("show the same if the service tells this client more than everyone")
  func trusted() {
    var exact = EnergyZones(Self.info([(PackageID(package: 0), [.package])]))
    var rounded = exact
    exact.take(Self.sample(at: 100.123_456_7, 20.004_32, window: 0.250_412, watts: 40.003_21))
    rounded.take(Self.sample(at: 100.123, 20, window: 0.25, watts: 40))
    exact.take(Self.sample(at: 100.373_611_2, 30.006_11, window: 0.250_154_5, watts: 39.985_6))
    rounded.take(Self.sample(at: 100.374, 30.01, window: 0.25, watts: 39.99))
    // From the first window's start, whose energy follows from its watts.
    for moment in stride(from: 100.149, through: 100.649, by: 0.05) {
      #expect(exact.value(of: Self.package, at: moment) == rounded.value(of: Self.package, at: moment), "\(moment)")
    }
  }

  @Test("do not use a domain whose energy at one end of the window is missing")
  func domains() {
    var zones = EnergyZones(Self.info([(PackageID(package: 0), [.package, .core])]))
    zones.take(Self.sample(at: 100, 20, core: .init(watts: nil, joules: 7, isLowerBound: false)))
    #expect(zones.value(of: Self.core, at: 100.275) == .unknown)
    zones.take(Self.sample(at: 100.25, 30, core: .init(watts: 4, joules: 8, isLowerBound: false)))
    #expect(zones.value(of: Self.core, at: 100.525) == .microjoules(8_000_000))
    #expect(zones.value(of: EnergyZone(PackageID(package: 3), .package), at: 100.525) == .unknown)
  }
}
