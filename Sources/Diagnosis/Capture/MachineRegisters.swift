internal import Glibc
internal import PowerSources
internal import RAPL

/// The registers of a machine that is looked at: its own msr nodes, or the values that were captured of them.
struct MachineRegisters: RegisterFile {
  private let machine: Machine
  private let devices: MSRDevices?
  /// Why CPUs' nodes could not be opened: errno values.
  let openErrors: [Int: Int32]

  /// Opens the node of each CPU.
  init(_ machine: Machine, cpus: [Int]) {
    self.machine = machine
    let path = MachineTree(root: machine.root).msrPath
    if let replayed = machine.replayed {
      devices = nil
      openErrors = Dictionary(
        uniqueKeysWithValues: Set(cpus).compactMap { cpu in
          let error = replayed.errors["dev/cpu/\(cpu)/msr"]
          // Not every node that was opened was read through.
          return (error ?? (replayed.registers.isEmpty ? ENOENT : nil)).map { (cpu, $0) }
        })
    } else {
      let devices = MSRDevices(cpus: cpus, path: path)
      self.devices = devices
      openErrors = devices.openErrors
    }
    for (cpu, errno) in openErrors { machine.remember(path(cpu), errno: errno) }
  }

  /// Reads a register once; a captured one has the value that it had first.
  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 { try read(address, cpu: cpu, again: false) }

  /// Reads a register; a captured one has the value that it had first, or last.
  func read(_ address: UInt32, cpu: Int, again: Bool) throws(RegisterError) -> UInt64 {
    do {
      let value = try value(address, cpu: cpu, again: again)
      machine.remember(address, cpu: cpu, .success(value))
      return value
    } catch {
      machine.remember(address, cpu: cpu, .failure(CapturedErrno(errno: Self.errno(error))))
      throw error
    }
  }

  private func value(_ address: UInt32, cpu: Int, again: Bool) throws(RegisterError) -> UInt64 {
    if let devices { return try devices.read(address, cpu: cpu) }
    switch machine.replayed?.registers[Capture.Register(cpu: cpu, address: address)] {
    case .read(let values):
      guard let value = again ? values.last : values.first else { throw .absent(address: address, cpu: cpu) }
      return value
    case .failed(ENXIO): throw .offline(cpu: cpu)
    case .failed(EIO), nil: throw .absent(address: address, cpu: cpu)
    case .failed(let errno): throw .failed(address: address, cpu: cpu, errno: errno)
    }
  }

  private static func errno(_ error: RegisterError) -> Int32 {
    switch error {
    case .absent: EIO
    case .offline: ENXIO
    case .notOpened(_, let errno), .failed(_, _, let errno): errno
    }
  }
}
