internal import CMSRShim
public import RAPL

/// A CPU that exists only as numbers: the registers of a real one, with counters that move by a load.
///
/// It answers at the addresses of Intel (2^-14 J, 95 W thermal design power) and of AMD (2^-16 J), including all domains;
/// every other register reads 0.
public struct SimulatedCPU: RegisterFile, Sendable {
  /// How a hardware counter moves: in steps, at slightly irregular times.
  public struct Updates: Sendable {
    /// Nanoseconds between two updates.
    public var period: Int64
    /// How late an update may be, in nanoseconds; less than the period.
    public var jitter: Int64

    /// By default, updates every millisecond, up to 0.2 ms late.
    public init(period: Int64 = 1_000_000, jitter: Int64 = 200_000) {
      self.period = max(period, 1)
      self.jitter = min(max(jitter, 0), max(period, 1) - 1)
    }
  }

  /// The share of a package's load in each domain; psys includes what is outside the package.
  private static let shares: [PowerDomain: Double] = [.package: 1, .core: 0.7, .uncore: 0.1, .dram: 0.25, .psys: 1.5]

  /// The difference between the counters of neighbouring packages at the start: no two counters of a machine have the same value.
  public static let packageOffset: UInt32 = 65_537

  /// CPUs in each package.
  public let cpusPerPackage: Int
  /// How many of them share a core.
  public let threadsPerCore: Int
  private let loads: [SimulatedLoad]
  private let counterStart: UInt32
  private let updates: Updates
  private let start: Int64

  /// A CPU whose counters begin now.
  ///
  /// - Parameters:
  ///   - packages: the power of each package.
  ///   - counterStart: the value of package 0's counters at the start; each further package's are `packageOffset` ahead of
  ///     the one before it.
  public init(
    packages: [SimulatedLoad], cpusPerPackage: Int = 2, threadsPerCore: Int = 1, counterStart: UInt32 = 0x0100_0000,
    updates: Updates = Updates()
  ) {
    loads = packages
    self.cpusPerPackage = cpusPerPackage
    self.threadsPerCore = max(threadsPerCore, 1)
    self.counterStart = counterStart
    self.updates = updates
    start = cmsr_monotonic_nanoseconds()
  }

  /// The packages and their CPUs: CPU 0 is the first of package 0.
  public var packages: [PackageCPUs] {
    let places = (0..<loads.count * cpusPerPackage).map { cpu in
      let core = cpu % cpusPerPackage / threadsPerCore
      return CPUPlace(cpu: cpu, package: cpu / cpusPerPackage, die: 0, core: core)
    }
    return PackageCPUs.group(places, by: .intel)
  }

  /// Reads a register now.
  public func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    guard let package = package(of: cpu) else { throw .offline(cpu: cpu) }
    switch address {
    case RegisterMap.intel.units: return 0xA0E03
    case 0x614: return 95 << 3
    case RegisterMap.amd.units: return 0xA1000
    case RegisterMap.amd.energy(of: .core):
      return UInt64(coreCounts(package, core: (cpu - package * cpusPerPackage) / threadsPerCore))
    case RegisterMap.amd.energy(of: .package): return UInt64(counts(package, share: 1, perJoule: 65_536))
    default:
      for (domain, share) in Self.shares where RegisterMap.intel.energy(of: domain) == address {
        return UInt64(counts(package, share: share, perJoule: 16_384))
      }
      return 0
    }
  }

  /// The package of a CPU, or nil if there is no such CPU.
  public func package(of cpu: Int) -> Int? {
    guard cpu >= 0, cpusPerPackage > 0, cpu / cpusPerPackage < loads.count else { return nil }
    return cpu / cpusPerPackage
  }

  /// Each core has a counter: the second draws twice as much as the first, the third three times as much, and so on.
  private func coreCounts(_ package: Int, core: Int) -> UInt32 {
    let cores = (cpusPerPackage + threadsPerCore - 1) / threadsPerCore
    let share = 0.7 * Double(core + 1) / Double(cores * (cores + 1) / 2)
    return counts(package, share: share, perJoule: 65_536)
  }

  private func counts(_ package: Int, share: Double, perJoule: Double) -> UInt32 {
    let seconds = Double(lastUpdate(before: cmsr_monotonic_nanoseconds() - start)) / 1e9
    return counterStart &+ UInt32(truncatingIfNeeded: package) &* Self.packageOffset
      &+ UInt32(truncatingIfNeeded: Int64(clamping: loads[package].joules(seconds: seconds) * share * perJoule))
  }

  /// The time of the counters' latest update, in nanoseconds since the start.
  private func lastUpdate(before elapsed: Int64) -> Int64 {
    var number = max(elapsed, 0) / updates.period
    if elapsed < time(ofUpdate: number) && number > 0 { number -= 1 }
    return number == 0 ? 0 : time(ofUpdate: number)
  }

  private func time(ofUpdate number: Int64) -> Int64 {
    number * updates.period + Int64(clamping: noise(UInt64(number), 7) * Double(updates.jitter))
  }
}
