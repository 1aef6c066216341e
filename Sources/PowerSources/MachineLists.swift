internal import CMSRShim
internal import Formatting
internal import Glibc
package import RAPL
internal import SystemCalls

/// What the machine's lists say about its packages. No single list is trusted: in a container some differ from the kernel's or
/// hide a part of the machine, and a package that appears in only one of them would be missing from the sum.
package struct MachineLists {
  private let tree: MachineTree
  private let identity: CPUIdentity
  private let places: [CPUPlace]
  /// Powercap's zones, or why there are none.
  let powercap: Result<PowercapTree.Zones, SourceError>
  /// The packages of the CPUs in /proc/cpuinfo; nil if one of them is no number.
  private let cpuinfo: Set<Int>?

  /// Reads what is not known yet.
  ///
  /// - Parameter places: the places of the CPUs that are online; empty if they are unknown.
  package init(_ tree: MachineTree, places: [CPUPlace], identity: CPUIdentity) {
    self.tree = tree
    self.identity = identity
    self.places = places
    powercap = Result { () throws(SourceError) in try tree.zones(vendor: identity.vendor) }
    cpuinfo = Self.packages(cpuinfo: (try? tree.files.text(tree.root + "/proc/cpuinfo")) ?? "")
  }

  /// The error if the sum of the packages' registers would miss a package.
  package var missingFromRegisters: SourceError? {
    if let error = hiddenByLists { return error }
    // More zones may be other names of the same counters.
    return moreZones > 0 && zoneCounters.map { $0 > counters } ?? true ? hiddenByZones : nil
  }

  /// The same later on, when there is no time to wait until the counters have shown which of them are one.
  ///
  /// - Parameter known: how many more zones there were at the start, which are other names then.
  func missingFromRegisters(besides known: Int) -> SourceError? {
    hiddenByLists ?? (moreZonesInAll > max(known, 0) ? hiddenByZones : nil)
  }

  /// How many more packages and dies have zones than have CPUs that are online.
  private var moreZones: Int { counters == 0 ? 0 : zones.count - counters }

  /// The same, with the zones that are dead: a process that may not read their energy cannot tell.
  var moreZonesInAll: Int { counters == 0 ? 0 : moreZones + offline.count }

  /// How many packages, or dies with a counter of their own, have CPUs that are online; 0 if the vendor has no registers.
  private var counters: Int {
    RegisterMap(vendor: identity.vendor).map { PackageCPUs.group(places, by: $0).count } ?? 0
  }

  private var hiddenByZones: SourceError {
    .hiddenPackage(
      "\(tree.root)/sys/class/powercap has zones for \(zones.count) \(zones.contains { $0.die != nil } ? "dies" : "packages"), "
        + "but the CPUs that are online in \(tree.cpuFolder) belong to \(counters)")
  }

  private var malformedCPUInfo: SourceError {
    .malformed(path: "\(tree.root)/proc/cpuinfo", expected: "package number")
  }

  private var hiddenByLists: SourceError? {
    let packages = Set(places.map(\.package))
    guard let cpuinfo else { return malformedCPUInfo }
    if let hidden = cpuinfo.subtracting(packages).min() {
      return .hiddenPackage(
        "\(tree.root)/proc/cpuinfo shows package \(hidden), but none of its CPUs is online in \(tree.cpuFolder)")
    }
    let cpus = Set(places.map(\.cpu))
    let folders = tree.numbers(in: tree.cpuFolder, prefix: "cpu").sorted()
    if let cpu = folders.first(where: { !cpus.contains($0) && tree.saysOnline($0) == true }) {
      return .hiddenPackage(
        "\(tree.cpuFolder)/cpu\(cpu)/online says that the CPU is online, but it has no topology and is not in the list of online CPUs"
      )
    }
    let nodes = tree.passed?.cpus ?? tree.numbers(in: tree.root + "/dev/cpu").sorted()
    if let cpu = nodes.first(where: { !cpus.contains($0) && opens($0) }) {
      return .hiddenPackage(
        "\(tree.msrPath(cpu: cpu)) can be opened, but CPU \(cpu) is not online in \(tree.cpuFolder)")
    }
    return nil
  }

  /// The error if the sum of powercap's zones would miss a package.
  package var missingFromZones: SourceError? {
    if case .failure(let error) = powercap { return error }
    guard let cpuinfo else { return malformedCPUInfo }
    let packages = Set(places.map(\.package)).union(cpuinfo)
    // The dead zone may be that of a package that is online. Every kernel that leaves such zones numbers them as it does packages.
    if let dead, !packages.isSubset(of: Set(zones.map(\.package))) { return dead }
    if zonePackages >= packages.count, offline.isEmpty || !packages.isEmpty { return missingDies }
    return dead
      ?? .hiddenPackage(
        "\(tree.root)/sys/class/powercap has zones for \(zonePackages == 1 ? "1 package" : "\(zonePackages) packages"), but the "
          + "machine has \(packages.count)")
  }

  /// The error if a package has zones for some of its dies only, or may have.
  private var missingDies: SourceError? {
    // AMD's dies have no counters of their own.
    guard RegisterMap(vendor: identity.vendor) != .amd else { return nil }
    if let error = zoneOfOneDie { return error }
    for (package, group) in Dictionary(grouping: zones, by: \.package) where group.contains(where: { $0.die != nil }) {
      let dies = Set(places.filter { $0.package == package }.map(\.die))
      if group.count < dies.count {
        return dead
          ?? .hiddenPackage(
            "\(tree.root)/sys/class/powercap has zones for \(group.count == 1 ? "1 die" : "\(group.count) dies") of package "
              + "\(package), which has \(dies.count)")
      }
    }
    return nil
  }

  /// The error if a zone is a whole package's by its name, and the package has several dies.
  ///
  /// If each die has a counter, the kernel has a zone for each since it tells the numbers of dies (5.3). Only TPMI zones count whole
  /// packages. Source: Linux drivers/powercap/intel_rapl_common.c, `rapl_add_package`.
  private var zoneOfOneDie: SourceError? {
    let dies = Dictionary(grouping: places, by: \.package).mapValues { Set($0.map(\.die)).count }
    for entry in entries where entry.zone.package.die == nil && !isByTPMI {
      // Its number may not be the package's.
      let dies = dies[entry.zone.package.package] ?? dies.values.max() ?? 1
      if dies > 1 {
        return .zoneOfOneDie(
          path: entry.folder, entry.zone.package, dies: dies, hasRegisters: RegisterMap(vendor: identity.vendor) != nil)
      }
    }
    return nil
  }

  /// Whether the zones are those of the kernel's TPMI driver, which are packages'. A model without registers has no others.
  var isByTPMI: Bool {
    let devices = (try? tree.files.names(in: tree.root + "/sys/bus/auxiliary/devices")) ?? []
    return !CPUModel(identity).hasRegisters || devices.contains { $0.hasPrefix("intel_vsec.tpmi-rapl.") }
  }

  /// The error if zones are dead that are not only those of packages that are offline.
  private var dead: SourceError? {
    offline.first.map { .energyFile(path: "\($0)/energy_uj", errno: ENODEV) }
  }

  /// The folders of the zones of packages that are offline.
  private var offline: [String] { (try? powercap.get())?.offline ?? [] }

  /// Powercap's zones of packages.
  private var entries: [PowercapTree.Entry] {
    ((try? powercap.get())?.entries ?? []).filter { $0.zone.domain == .package }
  }

  /// The packages and dies of powercap's zones.
  private var zones: Set<PackageID> { Set(entries.map(\.zone.package)) }

  /// The number of packages that have zones. Only the number is compared, because kernels before 5.2 number them differently.
  private var zonePackages: Int { Set(zones.map(\.package)).count }

  /// The number of different counters behind the zones; nil if not all of them can be read.
  private var zoneCounters: Int? {
    guard let zones = try? powercap.get() else { return nil }
    let source = try? CounterSource(
      powercap: tree, zones: zones.entries, identity: identity, packages: [], domains: [], log: { _ in })
    return source?.packageCount
  }

  /// Whether the driver opens a CPU's registers; it does not for a CPU that is offline.
  private func opens(_ cpu: Int) -> Bool {
    if let replay = tree.replay { return replay.capture.registers.keys.contains { $0.cpu == cpu } }
    guard let node = try? tree.node(of: cpu) else { return false }
    // A node that was passed has been opened before, and only reading shows whether its CPU is offline now.
    guard tree.passed != nil, let map = RegisterMap(vendor: identity.vendor) else { return true }
    return cmsr_read(node.number, map.units).error == 0
  }

  /// The packages in the text of /proc/cpuinfo; virtual machines and old kernels may show none. nil if one of them is no number.
  private static func packages(cpuinfo: String) -> Set<Int>? {
    var packages: Set<Int> = []
    for line in cpuinfo.utf8.split(separator: UInt8(ascii: "\n")) where line.starts(with: "physical id".utf8) {
      guard let text = Substring(line).split(separator: ":").last, let number = text.trimmed.packageNumber else {
        return nil
      }
      packages.insert(number)
    }
    return packages
  }
}
