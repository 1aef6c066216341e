/// Names one energy counter of a machine: a package, or one die of it if each die has its own.
public struct PackageID: Sendable, Hashable, Comparable {
  /// The package (socket), by the kernel's number.
  public let package: Int
  /// The die, if the package has more than one counter.
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

/// A part of the machine with an energy counter of its own.
public enum PowerDomain: String, Sendable, CaseIterable {
  /// The whole package (socket). It is the only domain that is summed over packages into the machine's CPU power.
  case package
  /// The cores, also called PP0; a part of `package`.
  case core
  /// The built-in graphics, also called PP1; a part of `package`.
  case uncore
  /// Memory; not a part of `package`.
  case dram
  /// The platform; includes the others as far as its vendor connected it to them. Never added to anything.
  case psys
}

extension PowerDomain: CustomStringConvertible {
  /// The usual name.
  public var description: String { self == .dram ? "DRAM" : rawValue }
}

/// Names one domain of one package, or die: an energy counter, and what it counts.
public struct DomainID: Sendable, Hashable, Comparable {
  /// The package, or the die.
  public let package: PackageID
  /// The domain.
  public let domain: PowerDomain

  /// A domain of a package.
  public init(_ package: PackageID, _ domain: PowerDomain) {
    self.package = package
    self.domain = domain
  }

  /// By package, then in the order of the domains.
  public static func < (one: Self, other: Self) -> Bool {
    (one.package, one.rank) < (other.package, other.rank)
  }

  private var rank: Int { PowerDomain.allCases.firstIndex(of: domain) ?? 0 }
}

extension DomainID: CustomStringConvertible {
  /// "package 0" for the whole package, or "package 0 core".
  public var description: String { domain == .package ? "\(package)" : "\(package) \(domain)" }
}

/// The place of a CPU, from /sys/devices/system/cpu/cpuN/topology.
public struct CPUPlace: Sendable, Equatable {
  /// The CPU's number.
  public let cpu: Int
  /// Its physical_package_id.
  public let package: Int
  /// Its die_id; 0 on kernels that have none.
  public let die: Int
  /// Its core_id, which CPUs of one physical core share; nil if the kernel does not tell.
  public let core: Int?
  /// The CPUs of its physical core that are online, including itself; empty if the kernel does not tell.
  public let threads: [Int]

  /// Whether it is kept free for one task (isolcpus, nohz_full), so that it must not be interrupted.
  public let isIsolated: Bool

  /// A CPU's place.
  public init(
    cpu: Int, package: Int, die: Int, core: Int? = nil, threads: [Int] = [], isIsolated: Bool = false
  ) {
    self.cpu = cpu
    self.package = package
    self.die = die
    self.core = core
    self.threads = threads
    self.isIsolated = isIsolated
  }
}

/// One energy counter and the CPUs through which it can be read.
public struct PackageCPUs: Sendable, Equatable {
  /// The counter.
  public let id: PackageID
  /// Its CPUs, ascending, isolated ones last: the first reads it, the others take over when that one is offline.
  public let cpus: [Int]
  /// The number of physical cores of these CPUs.
  public let cores: Int
  /// The CPUs of each core; nil if that is not certain.
  public let physicalCores: [PhysicalCore]?

  /// Groups CPUs by the counter that they share.
  ///
  /// Intel: one for each die of a package (Cascade Lake-AP has two). AMD and Hygon: one for each package, because their die is a
  /// CCD, and Zen 1 and 2 show the package's counter again on each die.
  public static func group(_ places: [CPUPlace], by map: RegisterMap) -> [PackageCPUs] {
    let severalDies =
      map == .intel
      && Dictionary(grouping: places, by: \.package).values.contains { cpus in
        Set(cpus.map(\.die)).count > 1
      }
    let groups = Dictionary(grouping: places) { PackageID(package: $0.package, die: severalDies ? $0.die : nil) }
    return groups.map {
      PackageCPUs(id: $0, cpus: order($1), cores: cores($1), physicalCores: PhysicalCore.group($1))
    }.sorted { $0.id < $1.id }
  }

  /// CPUs in the order in which they are asked.
  public static func order(_ places: [CPUPlace]) -> [Int] {
    let ascending = places.sorted { $0.cpu < $1.cpu }
    return (ascending.filter { !$0.isIsolated } + ascending.filter(\.isIsolated)).map(\.cpu)
  }

  /// One energy counter and its CPUs; each CPU counts as a core unless the number of cores is known.
  public init(id: PackageID, cpus: [Int], cores: Int? = nil, physicalCores: [PhysicalCore]? = nil) {
    self.id = id
    self.cpus = cpus
    self.cores = cores ?? cpus.count
    self.physicalCores = physicalCores
  }

  private static func cores(_ places: [CPUPlace]) -> Int {
    // A core's number is unique within its die.
    let known = Set(places.compactMap { place in place.core.map { [place.die, $0] } })
    return known.count + places.count { $0.core == nil }
  }
}
