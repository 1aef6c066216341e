/// Names one energy counter of a machine: a package, or one die of it where each die has its own.
public struct PackageID: Sendable, Hashable, Comparable {
  /// The package (socket), as the kernel numbers it.
  public let package: Int
  /// The die, where the package has more than one counter.
  public let die: Int?

  /// A package, or a die of it.
  public init(package: Int, die: Int? = nil) {
    self.package = package
    self.die = die
  }

  /// By package, then by die.
  public static func < (one: Self, other: Self) -> Bool {
    (one.package, one.die ?? 0) < (other.package, other.die ?? 0)
  }
}

extension PackageID: CustomStringConvertible {
  /// "package 0", or "package 0 die 1".
  public var description: String {
    die.map { "package \(package) die \($0)" } ?? "package \(package)"
  }
}

/// Where a CPU sits, as /sys/devices/system/cpu/cpuN/topology tells.
public struct CPUPlace: Sendable, Equatable {
  /// The CPU's number.
  public let cpu: Int
  /// Its physical_package_id.
  public let package: Int
  /// Its die_id; 0 on kernels that have none.
  public let die: Int

  /// A CPU's place.
  public init(cpu: Int, package: Int, die: Int) {
    self.cpu = cpu
    self.package = package
    self.die = die
  }
}

/// One energy counter and the CPUs through which it can be read.
public struct PackageCPUs: Sendable, Equatable {
  /// Which counter.
  public let id: PackageID
  /// Its CPUs, ascending: the first reads it, the others stand in when that one is offline.
  public let cpus: [Int]

  /// Groups CPUs by the counter that they share.
  ///
  /// Intel: one for each die of a package (Cascade Lake-AP has two). AMD and Hygon: one for each package, since their die
  /// is a CCD, and Zen 1 and 2 show the package's counter again on each die.
  public static func group(_ places: [CPUPlace], by map: RegisterMap) -> [PackageCPUs] {
    let severalDies =
      map == .intel
      && Dictionary(grouping: places, by: \.package).values.contains { cpus in
        Set(cpus.map(\.die)).count > 1
      }
    let groups = Dictionary(grouping: places) { PackageID(package: $0.package, die: severalDies ? $0.die : nil) }
    return groups.map { PackageCPUs(id: $0, cpus: $1.map(\.cpu).sorted()) }.sorted { $0.id < $1.id }
  }

  /// One energy counter and its CPUs.
  public init(id: PackageID, cpus: [Int]) {
    self.id = id
    self.cpus = cpus
  }
}
