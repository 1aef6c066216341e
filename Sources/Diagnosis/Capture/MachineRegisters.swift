internal import Glibc
internal import PowerSources
internal import RAPL

/// The registers of the machine under examination: its own msr nodes, or captured values.
struct MachineRegisters: RegisterFile {
  private let machine: Machine
  private let registers: any OpenedRegisters
  /// Why nodes of CPUs could not be opened: errno values.
  var openErrors: [Int: Int32] { registers.openErrors }

  /// Opens the node of each CPU.
  init(_ machine: Machine, cpus: [Int]) {
    self.machine = machine
    registers = machine.tree.registers(cpus: cpus)
    for (cpu, errno) in openErrors { machine.remember(machine.tree.msrPath(cpu: cpu), errno: errno) }
  }

  /// Reads a register. A captured one gives its first value, and from the second reading on its last.
  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    do {
      let value = try registers.read(address, cpu: cpu)
      machine.remember(address, cpu: cpu, .value(value))
      return value
    } catch {
      switch error {
      // That a capture has no value is nothing that a copy of it could have.
      case .notCaptured, .traceOver: throw error
      case .absent, .offline, .notOpened, .failed: break
      }
      machine.remember(address, cpu: cpu, .failed(errno: Self.errno(error)))
      throw error
    }
  }

  static func errno(_ error: RegisterError) -> Int32 {
    switch error {
    case .absent, .notCaptured, .traceOver: EIO
    case .offline: ENXIO
    case .notOpened(_, let errno), .failed(_, _, let errno): errno
    }
  }
}
