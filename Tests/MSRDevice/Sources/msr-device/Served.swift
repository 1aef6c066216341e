internal import MSRDeviceModel
internal import Synchronization

/// The one CPU that this process serves, and what can be done with its files.
enum Served {
  private struct State {
    var cpu = FaultyCPU(packages: [])
    /// What a reader of the energy file is in the middle of: numbers that grow meanwhile must not shift the rest.
    var report: [UInt8] = []
  }

  private static let state = Mutex(State())

  static func begin(_ cpu: FaultyCPU) {
    state.withLock { $0.cpu = cpu }
  }

  static var cpuCount: Int { state.withLock { $0.cpu.cpuCount } }

  static var packageCount: Int { state.withLock { $0.cpu.packageCount } }

  /// - Throws: `DeviceError.denied` where the kernel lets only root read.
  static func open(_ node: Node, isPrivileged: Bool) throws(DeviceError) -> Int32 {
    switch node {
    case .powercap(.file(_, .energy)) where !isPrivileged: throw .denied
    case .msr(let number):
      try state.withLock { state throws(DeviceError) in try state.cpu.open(cpu: number) }
      return 0
    case .control, .energy, .powercap(.file): return 0
    case .root, .folder, .powercap: throw .folder
    }
  }

  static func read(_ node: Node, count: Int, offset: Int64) throws(DeviceError) -> [UInt8] {
    try state.withLock { state throws(DeviceError) in
      switch node {
      case .msr(let number): return try state.cpu.read(bytes: count, at: offset, cpu: number)
      case .energy:
        if offset == 0 { state.report = Array(state.cpu.energyReport().utf8) }
        return Array(state.report.dropFirst(Int(clamping: offset)).prefix(count))
      case .powercap(.file(let zone, let file)):
        return Array(try state.cpu.text(of: zone, file).utf8.dropFirst(Int(clamping: offset)).prefix(count))
      case .control: throw .invalid
      case .root, .folder, .powercap: throw .folder
      }
    }
  }

  static func write(_ text: String, to node: Node) throws(DeviceError) {
    switch node {
    case .control: try state.withLock { state throws(DeviceError) in try state.cpu.control(text) }
    case .energy, .msr, .powercap(.file): throw .readOnly
    case .root, .folder, .powercap: throw .folder
    }
  }
}
