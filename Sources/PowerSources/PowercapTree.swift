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
  }

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
  /// of the same name are refused.
  package func entries(vendor: CPUVendor) throws(SourceError) -> [Entry] { try zones(vendor: vendor).entries }

  /// The same, and the zones whose names cannot be read because their packages are offline.
  func zones(vendor: CPUVendor) throws(SourceError) -> Zones {
    let names: [String]
    do {
      names = try files.names(in: folder).sorted()
    } catch {
      throw error.errno == ENOENT ? .noPowercap(folder) : .energyFile(path: error.path, errno: error.errno)
    }
    var found: [Entry] = []
    var offline: [String] = []
    for control in ["intel-rapl:", "intel-rapl-mmio:"] {
      var said: [(zone: DomainID, name: String)] = []
      for name in names where name.hasPrefix(control) {
        let zone: DomainID?
        do throws(SourceError) {
          zone = try self.zone(name, control: control)
        } catch .energyFile(_, ENOENT) where name.count(where: { $0 == ":" }) > 1 || isMasked(names) {
          // A domain that is disappearing, or a broken link.
          zone = nil
        } catch .energyFile(_, ENODEV) {
          if name.count(where: { $0 == ":" }) == 1 { offline.append("\(folder)/\(name)") }
          zone = nil
        }
        guard let zone, vendor == .intel || zone.domain == .package else { continue }
        if let first = said.first(where: { $0.zone == zone }) {
          // It is unknown whether one is the same as the other.
          throw .repeatedZone(
            [first.name, name], in: folder,
            counter: zone.domain == .package ? "\(zone.package)" : "\(zone.package)'s \(zone.domain)")
        }
        said.append((zone, name))
        let package = RegisterMap(vendor: vendor) == .amd ? PackageID(package: zone.package.package) : zone.package
        let counter = DomainID(package, zone.domain)
        if !found.contains(where: { $0.zone == counter }) {
          found.append(Entry(zone: counter, folder: "\(folder)/\(name)"))
        }
      }
    }
    guard found.contains(where: { $0.zone.domain == .package }) else {
      if let dead = offline.first { throw .energyFile(path: "\(dead)/energy_uj", errno: ENODEV) }
      throw isMasked(names) ? .maskedPowercap(folder) : .noPowercap(folder)
    }
    let entries = found.sorted { one, other in
      let ranks = [one, other].map { PowerDomain.allCases.firstIndex(of: $0.zone.domain) ?? 0 }
      return ranks[0] == ranks[1] ? one.zone.package < other.zone.package : ranks[0] < ranks[1]
    }
    return Zones(entries: entries, offline: offline)
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
    return DomainID(zone: try word("\(folder)/\(name)/name"), parent: parent)
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
      guard let id = Self.package(words) else { return nil }
      self.init(id, .package)
    case "psys":
      // Without a number it is package 0's.
      guard words.count <= 2, let number = words.count == 2 ? words[1].digits : 0 else { return nil }
      self.init(PackageID(package: number), .psys)
    case "core", "uncore", "dram":
      guard words.count == 1, let parent, let around = Self(zone: parent, parent: nil), around.domain == .package else {
        return nil
      }
      self.init(around.package, name == "core" ? .core : name == "uncore" ? .uncore : .dram)
    default: return nil
    }
  }

  private static func package(_ words: [Substring]) -> PackageID? {
    guard words.count == 2 || words.count == 4 && words[2] == "die", let package = words[1].digits else { return nil }
    guard words.count == 4 else { return PackageID(package: package) }
    return words[3].digits.map { PackageID(package: package, die: $0) }
  }
}
