internal import CMSRShim
internal import RAPL

/// A register's value and when it was read.
struct TimedValue {
  let value: UInt64
  /// The middle of the read.
  let monotonicNanoseconds: Int64
  /// How long the read took: its middle is right within half of that.
  let tookNanoseconds: Int64
}

/// Reads one package's registers through one of its CPUs, another when that one is offline.
struct PackageReader<Registers: RegisterFile> {
  /// A read is repeated at most this often in search of one that was not interrupted.
  private static var mostTries: Int { 3 }

  let package: PackageCPUs
  let registers: Registers
  private var current = 0

  init(package: PackageCPUs, registers: Registers) {
    self.package = package
    self.registers = registers
  }

  /// Reads a register, through the first CPU that can.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  /// - Throws: the error of the CPU that was tried first.
  mutating func read(_ address: UInt32, toleranceNanoseconds tolerance: Int64) throws(RegisterError) -> TimedValue {
    var firstError: RegisterError?
    for offset in package.cpus.indices {
      let index = (current + offset) % package.cpus.count
      do {
        let value = try timed(address, cpu: package.cpus[index], tolerance: tolerance)
        current = index
        return value
      } catch {
        firstError = firstError ?? error
      }
    }
    throw firstError ?? .offline(cpu: package.cpus.first ?? 0)
  }

  /// The quickest of a few reads, stamped with its middle.
  private func timed(_ address: UInt32, cpu: Int, tolerance: Int64) throws(RegisterError) -> TimedValue {
    var best = try once(address, cpu: cpu)
    var tries = 1
    while best.tookNanoseconds > tolerance && tries < Self.mostTries {
      // A slow value is worth more than the error of a further try.
      guard let next = try? once(address, cpu: cpu) else { break }
      if next.tookNanoseconds < best.tookNanoseconds { best = next }
      tries += 1
    }
    return best
  }

  private func once(_ address: UInt32, cpu: Int) throws(RegisterError) -> TimedValue {
    let before = cmsr_monotonic_nanoseconds()
    let value = try registers.read(address, cpu: cpu)
    let took = cmsr_monotonic_nanoseconds() - before
    return TimedValue(value: value, monotonicNanoseconds: before + took / 2, tookNanoseconds: took)
  }
}
