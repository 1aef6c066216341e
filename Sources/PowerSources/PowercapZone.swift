package import RAPL

/// What a zone of /sys/class/powercap measures, from the names that the kernel's RAPL driver gives.
///
/// Source: Linux drivers/powercap/intel_rapl_common.c, `rapl_init_domains` and `rapl_package_register_powercap`.
package struct PowercapZone: Equatable, Sendable {
  /// The package.
  package let package: PackageID
  /// The domain.
  package let domain: PowerDomain

  /// A zone from its parts.
  init(package: PackageID, domain: PowerDomain) {
    self.package = package
    self.domain = domain
  }

  /// Reads a zone's name.
  ///
  /// - Parameters:
  ///   - name: the zone's name: "package-0", "package-0-die-1", "psys", "psys-1", "core", "uncore" or "dram".
  ///   - parent: the name of the zone around it, which tells the package of a zone without a number.
  /// - Returns: nil for any other name.
  package init?(name: String, parent: String?) {
    let words = name.split(separator: "-", omittingEmptySubsequences: false)
    switch words.first {
    case "package":
      guard let id = Self.package(words) else { return nil }
      package = id
      domain = .package
    case "psys":
      // Without a number it is package 0's.
      guard words.count <= 2, let number = words.count == 2 ? Self.number(words[1]) : 0 else { return nil }
      package = PackageID(package: number)
      domain = .psys
    case "core", "uncore", "dram":
      guard words.count == 1, let parent, let around = Self(name: parent, parent: nil), around.domain == .package else {
        return nil
      }
      package = around.package
      domain = name == "core" ? .core : name == "uncore" ? .uncore : .dram
    default: return nil
    }
  }

  private static func package(_ words: [Substring]) -> PackageID? {
    guard words.count == 2 || words.count == 4 && words[2] == "die", let package = number(words[1]) else { return nil }
    guard words.count == 4 else { return PackageID(package: package) }
    return number(words[3]).map { PackageID(package: package, die: $0) }
  }

  private static func number(_ digits: Substring) -> Int? {
    digits.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(digits) : nil
  }
}
