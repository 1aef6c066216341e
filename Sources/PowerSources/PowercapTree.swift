internal import Formatting
internal import Glibc
package import RAPL
package import SystemCalls

/// The energy zones of /sys/class/powercap, or of a folder that stands for it.
package struct PowercapTree {
  /// A zone and the folder of its files.
  package struct Entry: Sendable {
    /// What it measures.
    package let zone: DomainID
    /// The path of its folder.
    package let folder: String
  }

  /// The zones of a machine.
  package struct Zones: Sendable {
    /// One for each energy counter, packages first.
    package var entries: [Entry]
    /// The folders of packages' zones that are dead (ENODEV), because their packages are offline.
    package var offline: [String] = []
    /// The domains that are left out because several zones have the same name.
    package var unclear: [(zone: DomainID, error: SourceError)] = []
  }

  /// The kernel's drivers of zones: by the processor's registers or by TPMI, by TPMI in some vendors' kernels, and by registers in
  /// memory. Sources: Linux drivers/powercap/intel_rapl_msr.c and intel_rapl_tpmi.c (both "intel-rapl"), and
  /// drivers/thermal/intel/int340x_thermal/processor_thermal_rapl.c.
  private static let controls = ["intel-rapl:", "intel-rapl-tpmi:", "intel-rapl-mmio:"]

  /// The most zones that are read: each package with three domains.
  static let mostZones = 4 * MachineTree.mostPackages

  private let folder: String
  private let files: any MachineFiles

  /// The zones below a folder that stands for /; "" is / itself.
  package init(root: String, files: (any MachineFiles)? = nil) {
    folder = root + "/sys/class/powercap"
    self.files = files ?? SystemFiles(root: root)
  }

  /// The zones of a machine.
  init(_ tree: MachineTree) {
    self.init(root: tree.root, files: tree.files)
  }

  /// One zone for each energy counter, packages first.
  ///
  /// The same counter may appear twice: through the processor's registers as intel-rapl, and through memory-mapped registers as
  /// intel-rapl-mmio; the second is left out. AMD's core zone is left out because it is that of a single core. Each of AMD's
  /// dies shows the package's counter; the first is used, whatever its number (the second socket's may begin with 4). Two zones
  /// of the same name are refused if they are packages', and so are those of a package and of one of its dies; other domains are
  /// left out.
  package func entries(vendor: CPUVendor) throws(SourceError) -> [Entry] { try zones(vendor: vendor).entries }

  /// The same, and the zones whose names cannot be read because their packages are offline.
  func zones(vendor: CPUVendor) throws(SourceError) -> Zones {
    let names: [String]
    do {
      names = try files.names(in: folder).sorted()
    } catch {
      throw error.errno == ENOENT ? .noPowercap(folder) : .energyFile(path: error.path, errno: error.errno)
    }
    let count = names.count { name in Self.controls.contains { name.hasPrefix($0) } }
    guard count <= Self.mostZones else {
      throw .tooMany("energy zones", count: count, most: Self.mostZones, in: folder)
    }
    var zones = Zones(entries: [])
    for control in Self.controls {
      let before = zones.entries
      try read(control, among: names, vendor: vendor, into: &zones) { zone in
        before.contains { $0.zone.domain == zone.domain && $0.zone.package.package == zone.package.package }
      }
    }
    guard zones.entries.contains(where: { $0.zone.domain == .package }) else {
      if let dead = zones.offline.first { throw .energyFile(path: "\(dead)/energy_uj", errno: ENODEV) }
      throw isMasked(names) ? .maskedPowercap(folder) : .noPowercap(folder)
    }
    let packages = zones.entries.count { $0.zone.domain == .package }
    guard packages <= MachineTree.mostPackages else {
      throw .tooMany("zones of packages and dies", count: packages, most: MachineTree.mostPackages, in: folder)
    }
    zones.entries.sort { one, other in
      let ranks = [one, other].map { PowerDomain.allCases.firstIndex(of: $0.zone.domain) ?? 0 }
      return ranks[0] == ranks[1] ? one.zone.package < other.zone.package : ranks[0] < ranks[1]
    }
    return zones
  }

  /// Reads the zones of one driver.
  ///
  /// - Parameter isKnown: whether another driver shows the counter of a zone already.
  private func read(
    _ control: String, among names: [String], vendor: CPUVendor, into zones: inout Zones,
    unless isKnown: (DomainID) -> Bool
  ) throws(SourceError) {
    var said: [(zone: DomainID, name: String)] = []
    for name in names where name.hasPrefix(control) {
      let zone: DomainID?
      do throws(SourceError) {
        zone = try self.zone(name, control: control)
      } catch .energyFile(_, ENOENT) where name.count(where: { $0 == ":" }) > 1 || isMasked(names) {
        // A domain that is disappearing, or a broken link.
        zone = nil
      } catch .energyFile(_, ENODEV) {
        if name.count(where: { $0 == ":" }) == 1 { zones.offline.append("\(folder)/\(name)") }
        zone = nil
      }
      // Of several zones of the same name, each further one is as unclear, and so is that of another driver.
      guard let zone, vendor == .intel || zone.domain == .package, !isKnown(zone),
        !zones.unclear.contains(where: { $0.zone == zone })
      else { continue }
      let isAMD = RegisterMap(vendor: vendor) == .amd
      if let first = said.first(where: { Self.mayOverlap($0.zone, zone, isAMD: isAMD) }) {
        // It is unknown whether one is the same as the other, or a part of it.
        let error = SourceError.repeatedZone(
          [first.name, name], in: folder,
          counter: zone.domain == .package
            ? "\(first.zone == zone ? zone.package : PackageID(package: zone.package.package))"
            : "\(zone.package)'s \(zone.domain)")
        if zone.domain == .package { throw error }
        zones.entries.removeAll { $0.zone == zone }
        zones.unclear.append((zone, error))
        continue
      }
      said.append((zone, name))
      let counter = DomainID(isAMD ? PackageID(package: zone.package.package) : zone.package, zone.domain)
      if !zones.entries.contains(where: { $0.zone == counter }) {
        zones.entries.append(Entry(zone: counter, folder: "\(folder)/\(name)"))
      }
    }
  }

  /// Whether two zones of one driver are one by their names, or one may be a part of the other.
  private static func mayOverlap(_ one: DomainID, _ other: DomainID, isAMD: Bool) -> Bool {
    if one == other { return true }
    // On AMD both show the package's counter.
    return !isAMD && one.domain == .package && other.domain == .package
      && one.package.package == other.package.package && (one.package.die == nil) != (other.package.die == nil)
  }

  /// What is said of the folder of a zone that is dead. The service and the doctor say the same.
  package static func ofOfflinePackage(_ folder: String) -> String {
    "\(folder) cannot be read, because its package is offline, so that package is not measured"
  }

  /// Whether there are zones of packages, and all of them are broken links: container managers hide their targets.
  private func isMasked(_ names: [String]) -> Bool {
    let packages = names.filter { $0.hasPrefix("intel-rapl") && $0.count(where: { $0 == ":" }) == 1 }
    return !packages.isEmpty
      && packages.allSatisfy { name in
        do throws(FileError) {
          _ = try files.text("\(folder)/\(name)/name")
          return false
        } catch {
          return error.errno == ENOENT
        }
      }
  }

  /// The zone in a folder such as "intel-rapl:0:1"; nil if it has no counter that we read.
  private func zone(_ name: String, control: String) throws(SourceError) -> DomainID? {
    let parts = name.split(separator: ":")
    guard parts.count == 2 || parts.count == 3 else { return nil }
    let parent = parts.count == 3 ? try word("\(folder)/\(control)\(parts[1])/name") : nil
    let path = "\(folder)/\(name)/name"
    let word = try word(path)
    guard let zone = DomainID(zone: word, parent: parent) else {
      // A package that would be missing from the sum.
      if parent == nil, DomainID.isTooLarge(zone: word) {
        throw .malformed(path: path, expected: "package or die number")
      }
      return nil
    }
    return zone
  }

  private func word(_ path: String) throws(SourceError) -> String { String(Substring(try text(path)).trimmed) }

  private func text(_ path: String) throws(SourceError) -> String {
    do {
      return try files.text(path)
    } catch {
      throw .energyFile(path: error.path, errno: error.errno)
    }
  }

  /// How many microjoules a zone's counter counts before it starts again from 0.
  ///
  /// The kernel tells the largest value, that of a full 32-bit counter; 0 is one hardware unit further.
  package func range(of entry: Entry) throws(SourceError) -> UInt64 {
    let path = "\(entry.folder)/max_energy_range_uj"
    guard let largest = PowercapCounter.microjoules(try text(path).utf8), 1_000_000..<(1 << 53) ~= largest else {
      throw .noEnergy(path: path)
    }
    return largest + max(largest / (EnergyCounter.registerRange - 1), 1)
  }
}

extension MachineTree {
  /// The powercap zones whose energy can be read, as far as their packages are online.
  ///
  /// - Throws: if there is none.
  package func zones(vendor: CPUVendor) throws(SourceError) -> PowercapTree.Zones {
    var zones = try PowercapTree(self).zones(vendor: vendor)
    let dead = zones.entries.filter { $0.zone.domain == .package && isDead("\($0.folder)/energy_uj") }
    let packages = Set(dead.map(\.zone.package))
    // The domains go with their package.
    zones.entries.removeAll { packages.contains($0.zone.package) }
    zones.offline += dead.map(\.folder)
    guard zones.entries.contains(where: { $0.zone.domain == .package }) else {
      throw .energyFile(path: "\(zones.offline[0])/energy_uj", errno: ENODEV)
    }
    return zones
  }

  private func isDead(_ path: String) -> Bool {
    // To read a captured one would use up its first value.
    if let replay { return replay.zoneError(path) == ENODEV }
    do {
      _ = try PowercapCounter(path: path, root: root).read()
      return false
    } catch {
      if case .energyFile(_, ENODEV) = error { return true }
      return false
    }
  }
}

extension DomainID {
  /// What a zone of /sys/class/powercap measures, from the names that the kernel's RAPL driver gives.
  ///
  /// Source: Linux drivers/powercap/intel_rapl_common.c, `rapl_init_domains` and `rapl_package_register_powercap`.
  ///
  /// - Parameters:
  ///   - name: the zone's name: "package-0", "package-0-die-1", "psys", "psys-1", "core", "uncore" or "dram".
  ///   - parent: the name of the zone around it, which tells the package of a zone without a number.
  /// - Returns: nil for any other name.
  package init?(zone name: String, parent: String?) {
    let words = name.split(separator: "-", omittingEmptySubsequences: false)
    switch words.first {
    case "package":
      guard parent == nil, let id = Self.package(words) else { return nil }
      self.init(id, .package)
    case "psys":
      // Without a number it is package 0's.
      guard words.count <= 2, let number = words.count == 2 ? words[1].packageNumber : 0 else { return nil }
      self.init(PackageID(package: number), .psys)
    case "core", "uncore", "dram":
      guard words.count == 1, let parent, let around = Self(zone: parent, parent: nil), around.domain == .package else {
        return nil
      }
      self.init(around.package, name == "core" ? .core : name == "uncore" ? .uncore : .dram)
    default: return nil
    }
  }

  /// Whether a zone's name is a package's or a die's, with a number that no package or die has.
  static func isTooLarge(zone name: String) -> Bool {
    let words = name.split(separator: "-", omittingEmptySubsequences: false)
    guard words[0] == "package", words.count == 2 || words.count == 4 && words[2] == "die" else { return false }
    let numbers = words.count == 2 ? [words[1]] : [words[1], words[3]]
    return numbers.allSatisfy { !$0.isEmpty && $0.isDigits } && numbers.contains { $0.packageNumber == nil }
  }

  private static func package(_ words: [Substring]) -> PackageID? {
    guard words.count == 2 || words.count == 4 && words[2] == "die", let package = words[1].packageNumber else {
      return nil
    }
    guard words.count == 4 else { return PackageID(package: package) }
    return words[3].packageNumber.map { PackageID(package: package, die: $0) }
  }
}
