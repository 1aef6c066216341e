internal import Glibc
internal import PowerSources
internal import RAPL

/// The registers of the machine under examination: its own msr nodes, or captured values.
struct MachineRegisters: RegisterFile {
  private let machine: Machine
  private let registers: any RegisterFile
  /// Why nodes of CPUs could not be opened: errno values.
  let openErrors: [Int: Int32]

  /// Opens the node of each CPU.
  init(_ machine: Machine, cpus: [Int]) {
    self.machine = machine
    let path = MachineTree(root: machine.root).msrPath
    if let replay = machine.replay {
      let replayed = ReplayedRegisters(replay, cpus: cpus)
      (registers, openErrors) = (replayed, replayed.openErrors)
    } else {
      let devices = MSRDevices(cpus: cpus, root: machine.root, path: path)
      (registers, openErrors) = (devices, devices.openErrors)
    }
    for (cpu, errno) in openErrors { machine.remember(path(cpu), errno: errno) }
  }

  /// Reads a register. A captured one gives its first value, and from the second reading on its last.
  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    do {
      let value = try registers.read(address, cpu: cpu)
      machine.remember(address, cpu: cpu, .success(value))
      return value
    } catch {
      switch error {
      // That a capture has no value is nothing that a copy of it could have.
      case .notCaptured, .traceOver: throw error
      case .absent, .offline, .notOpened, .failed: break
      }
      machine.remember(address, cpu: cpu, .failure(CapturedErrno(errno: Self.errno(error))))
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
