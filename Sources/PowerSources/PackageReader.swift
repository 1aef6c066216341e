internal import RAPL

/// Reads one package's registers through one of its CPUs, another when that one is offline.
struct PackageReader {
  let package: PackageCPUs
  let registers: any RegisterFile
  private var current = 0

  init(package: PackageCPUs, registers: any RegisterFile) {
    self.package = package
    self.registers = registers
  }

  /// Reads a register, through the first CPU that can.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  /// - Throws: the error of the CPU that was tried first.
  mutating func read(_ address: UInt32, toleranceNanoseconds tolerance: Int64) throws(RegisterError) -> TimedValue {
    var firstError: RegisterError?
    for offset in 0..<package.cpus.count {
      var index = current + offset
      if index >= package.cpus.count { index -= package.cpus.count }
      let cpu = package.cpus[index]
      do {
        let value = try TimedValue.read(toleranceNanoseconds: tolerance) { () throws(RegisterError) in
          try registers.read(address, cpu: cpu)
        }
        current = index
        return value
      } catch {
        firstError = firstError ?? error
      }
    }
    throw firstError ?? .offline(cpu: package.cpus.first ?? 0)
  }
}
