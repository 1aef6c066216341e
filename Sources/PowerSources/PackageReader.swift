internal import RAPL

/// Reads one package's registers through one of its CPUs, and through another when that one is offline.
struct PackageReader {
  /// Finds further CPUs; nil if they are not looked for.
  private let search: NewcomerSearch?
  private var registers: any RegisterFile
  private var cpus: [Int]
  private var current = 0
  /// The generation in which the CPUs were found.
  private var generation = 0

  init(package: PackageCPUs, registers: any RegisterFile) {
    search = NewcomerSearch(package.id)
    cpus = package.cpus
    self.registers = registers
  }

  /// Reads one core's registers through one of its threads, and looks for no other CPUs.
  init(core: PhysicalCore, registers: any RegisterFile) {
    search = nil
    cpus = core.cpus
    self.registers = registers
  }

  /// Reads a register through the first CPU that can. If all are offline, those that have come online since are opened.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  /// - Throws: the error of the CPU that was tried first, or why those that came online cannot be used.
  mutating func read(_ address: UInt32, toleranceNanoseconds tolerance: Int64) throws(RegisterError) -> TimedValue {
    var firstError: RegisterError?
    for offset in 0..<cpus.count {
      var index = current + offset
      if index >= cpus.count { index -= cpus.count }
      let cpu = cpus[index]
      do {
        let value = try TimedValue.read(toleranceNanoseconds: tolerance) { () throws(RegisterError) in
          try registers.read(address, cpu: cpu)
        }
        current = index
        return value
      } catch {
        firstError = firstError ?? error
        // What one CPU of a package lacks, the others lack too, and each read interrupts one.
        if case .absent = error { throw firstError ?? error }
      }
    }
    if try findNewcomers() { return try read(address, toleranceNanoseconds: tolerance) }
    throw firstError ?? .offline(cpu: cpus.first ?? 0)
  }

  private mutating func findNewcomers() throws(RegisterError) -> Bool {
    guard let found = try search?.newcomers(after: generation, besides: cpus, through: registers) else { return false }
    (registers, cpus) = (found.newcomers.registers, found.newcomers.cpus)
    generation = found.generation
    current = 0
    return true
  }
}
