internal import Glibc
public import PowerSources

/// A simulated CPU whose energy counters can be made to fail.
public struct FaultyCPU: Sendable {
  private let loads: [SimulatedLoad]
  private let cpu: SimulatedCPU
  private let start: SuspendingClock.Instant
  private var faults: [PackageFaults]
  private var offline: Set<Int> = []
  private let units: UInt64?
  private var plan: RegisterPlan?

  /// A CPU without faults, whose counters begin now.
  ///
  /// - Parameters:
  ///   - packages: what each package draws.
  ///   - counterStart: what every counter reads at the start.
  ///   - units: what Intel's unit register says in place of the truth; the counters do not change by it.
  ///   - plan: what registers read in place of all that.
  public init(
    packages: [SimulatedLoad], cpusPerPackage: Int = 2, threadsPerCore: Int = 1, counterStart: UInt32 = 0x0100_0000,
    updates: SimulatedCPU.Updates = SimulatedCPU.Updates(), units: UInt64? = nil,
    plan: RegisterPlan? = nil
  ) {
    loads = packages
    self.units = units
    self.plan = plan
    start = SuspendingClock().now
    cpu = SimulatedCPU(
      packages: packages, cpusPerPackage: cpusPerPackage, threadsPerCore: threadsPerCore, counterStart: counterStart,
      updates: updates)
    faults = Array(repeating: PackageFaults(), count: packages.count)
  }

  /// How many packages there are.
  public var packageCount: Int { loads.count }

  /// How many CPUs there are.
  public var cpuCount: Int { loads.count * cpu.cpusPerPackage }

  /// Whether a CPU is there and online.
  public func isOnline(_ number: Int) -> Bool {
    cpu.package(of: number) != nil && !offline.contains(number)
  }

  /// Reads a register through one CPU. A read through an offline CPU reaches no counter, and uses up no fault.
  public mutating func read(_ address: UInt32, cpu number: Int) throws(RegisterError) -> UInt64 {
    guard isOnline(number), let package = cpu.package(of: number) else { throw .offline(cpu: number) }
    if plan != nil {
      let now = nanosecondsSinceStart
      guard let value = plan?.value(address, cpu: number, nanoseconds: now) else {
        throw .absent(address: address, cpu: number)
      }
      return value
    }
    if address == 0x606, let units { return units }
    guard PackageFaults.addresses.contains(address) else { return try cpu.read(address, cpu: number) }
    return UInt64(try faults[package].read(address, cpu: number, truth: truth(address, package)))
  }

  /// Switches a fault.
  ///
  /// - Returns: false where there is no such package, CPU or trace.
  public mutating func apply(_ change: Switch) -> Bool {
    switch change {
    case .reset(let package): return set(package, to: 0)
    case .set(let package, let value): return set(package, to: value)
    case .zero(let package, let duration): return adjust(package) { $0.zero(duration) }
    case .eio(let package, let duration): return adjust(package) { $0.fail(duration) }
    case .freeze(let package, let on):
      return adjust(package) { [self] in $0.freeze(on) { address in truth(address, package) } }
    case .enxio(let number, let on):
      guard cpu.package(of: number) != nil else { return false }
      if on { offline.insert(number) } else { offline.remove(number) }
      return true
    case .play(let time):
      var now = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &now)
      let sinceStart = nanosecondsSinceStart + time - (Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
      return plan?.play(at: sinceStart) ?? false
    }
  }

  /// One line for each package: its number, the joules that its load has drawn since the start whatever the counters
  /// show, and how many reads of its energy registers were asked for. Then one line for each part of the plan's models: its
  /// name, and its joules.
  public mutating func energyReport() -> String {
    let nanoseconds = nanosecondsSinceStart
    let packages = loads.indices.map { package in
      "\(package) \(decimal(loads[package].joules(seconds: Double(nanoseconds) / 1e9))) \(faults[package].reads)\n"
    }
    let parts = plan?.parts(nanoseconds: nanoseconds) ?? []
    return (packages + parts.map { "\($0.name) \(decimal($0.joules))\n" }).joined()
  }

  private var nanosecondsSinceStart: Int64 { Int64((SuspendingClock().now - start) / .nanoseconds(1)) }

  private mutating func set(_ package: Int, to value: UInt32) -> Bool {
    adjust(package) { [self] in $0.set(value) { address in truth(address, package) } }
  }

  private mutating func adjust(_ package: Int, _ body: (inout PackageFaults) -> Void) -> Bool {
    guard faults.indices.contains(package) else { return false }
    body(&faults[package])
    return true
  }

  private func truth(_ address: UInt32, _ package: Int) -> UInt32 {
    // A package that exists has a first CPU, and the simulated CPU itself never fails.
    UInt32(truncatingIfNeeded: (try? cpu.read(address, cpu: package * cpu.cpusPerPackage)) ?? 0)
  }

  /// With six digits behind the point, never with an exponent.
  private func decimal(_ joules: Double) -> String {
    let micro = Int64(joules * 1_000_000)
    return "\(micro / 1_000_000).\("\(micro % 1_000_000 + 1_000_000)".dropFirst())"
  }
}
