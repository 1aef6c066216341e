internal import CMSRShim
internal import RAPL

/// Reads one package's registers through one of its CPUs, another when that one is offline.
struct PackageReader {
  /// How often CPUs are looked for that have come online, in nanoseconds: it takes a few files for each CPU.
  private static let lookNanoseconds: Int64 = 1_000_000_000

  private let id: PackageID
  private var registers: any RegisterFile
  private var cpus: [Int]
  private var current = 0
  private var nextLook = Int64.min
  /// Why a CPU that has come online is of no use.
  private var lack: RegisterError?

  init(package: PackageCPUs, registers: any RegisterFile) {
    id = package.id
    cpus = package.cpus
    self.registers = registers
  }

  /// Reads a register, through the first CPU that can. Where all are offline, those that have come online since are opened.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  /// - Throws: the error of the CPU that was tried first.
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
        // What one CPU of a package lacks, the others lack too, and asking interrupts each.
        if case .absent = error { throw firstError ?? error }
      }
    }
    if findNewcomers() { return try read(address, toleranceNanoseconds: tolerance) }
    throw lack ?? firstError ?? .offline(cpu: cpus.first ?? 0)
  }

  private mutating func findNewcomers() -> Bool {
    let now = cmsr_monotonic_nanoseconds()
    guard now >= nextLook else { return false }
    nextLook = now + Self.lookNanoseconds
    lack = nil
    do {
      guard let newcomers = try registers.newcomers(of: id, besides: cpus) else { return false }
      registers = newcomers.registers
      cpus = newcomers.cpus
      current = 0
      return true
    } catch {
      lack = error
      return false
    }
  }
}
