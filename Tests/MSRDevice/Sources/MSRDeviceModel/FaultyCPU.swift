public import PowerSources
import RAPL

/// A simulated CPU whose energy counters can be made to fail.
public final class FaultyCPU {
  /// The registers that a package's faults hold for: its energy by Intel's address and by AMD's.
  private static let counters: [UInt32] = [0x611, 0xC001_029B]

  private struct Faults {
    /// What is added to each counter's true value.
    var offsets: [UInt32: UInt32] = [:]
    /// What each counter shows while it stands still.
    var frozen: [UInt32: UInt32] = [:]
    var zeros = 0
    var errors = 0
  }

  private let cpu: SimulatedCPU
  private var faults: [Faults]
  private var offline: Set<Int> = []

  /// A CPU without faults.
  public init(_ cpu: SimulatedCPU) {
    self.cpu = cpu
    faults = Array(repeating: Faults(), count: cpu.packages.count)
  }

  /// How many CPUs there are.
  public var cpuCount: Int { faults.count * cpu.cpusPerPackage }

  /// Whether a CPU is there and online.
  public func isOnline(_ number: Int) -> Bool {
    cpu.package(of: number) != nil && !offline.contains(number)
  }

  /// Reads a register as the msr driver would.
  public func read(_ address: UInt32, cpu number: Int) throws(RegisterError) -> UInt64 {
    guard isOnline(number), let package = cpu.package(of: number) else { throw .offline(cpu: number) }
    guard Self.counters.contains(address) else { return try cpu.read(address, cpu: number) }
    if faults[package].errors > 0 {
      if faults[package].errors < .max { faults[package].errors -= 1 }
      throw .absent(address: address, cpu: number)
    }
    if faults[package].zeros > 0 {
      if faults[package].zeros < .max { faults[package].zeros -= 1 }
      return 0
    }
    return UInt64(value(address, package))
  }

  /// Switches a fault.
  ///
  /// - Returns: false where there is no such package or CPU.
  public func apply(_ change: Switch) -> Bool {
    switch change {
    case .enxio(let number, let on):
      guard cpu.package(of: number) != nil else { return false }
      if on { offline.insert(number) } else { offline.remove(number) }
      return true
    case .reset(let package): return jump(package, to: 0)
    case .set(let package, let value): return jump(package, to: value)
    case .zero(let package, let duration): return adjust(package) { $0.zeros = duration.reads }
    case .eio(let package, let duration): return adjust(package) { $0.errors = duration.reads }
    case .freeze(let package, true):
      guard faults.indices.contains(package) else { return false }
      for address in Self.counters { faults[package].frozen[address] = value(address, package) }
      return true
    case .freeze(let package, false):
      guard faults.indices.contains(package) else { return false }
      let stood = faults[package].frozen
      faults[package].frozen = [:]
      for (address, value) in stood { setValue(value, of: address, package) }
      return true
    }
  }

  private func adjust(_ package: Int, _ body: (inout Faults) -> Void) -> Bool {
    guard faults.indices.contains(package) else { return false }
    body(&faults[package])
    return true
  }

  private func jump(_ package: Int, to value: UInt32) -> Bool {
    guard faults.indices.contains(package) else { return false }
    for address in Self.counters { setValue(value, of: address, package) }
    return true
  }

  private func setValue(_ value: UInt32, of address: UInt32, _ package: Int) {
    faults[package].offsets[address] = value &- truth(address, package)
  }

  private func value(_ address: UInt32, _ package: Int) -> UInt32 {
    faults[package].frozen[address] ?? truth(address, package) &+ (faults[package].offsets[address] ?? 0)
  }

  private func truth(_ address: UInt32, _ package: Int) -> UInt32 {
    // A package that exists has a first CPU, and the simulated CPU itself never fails.
    UInt32(truncatingIfNeeded: (try? cpu.read(address, cpu: package * cpu.cpusPerPackage)) ?? 0)
  }
}

extension Switch.Duration {
  var reads: Int {
    switch self {
    case .reads(let count): count
    case .on: .max
    case .off: 0
    }
  }
}
