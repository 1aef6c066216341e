import MSRDeviceModel

/// A CPU by reference: `#expect` does not take what changes a value.
final class TestedCPU {
  private var cpu: FaultyCPU

  init(_ cpu: FaultyCPU) { self.cpu = cpu }

  var energyReport: String { cpu.energyReport() }

  func open(_ number: Int) throws { try cpu.open(cpu: number) }
  func read(_ address: UInt32, cpu number: Int) throws -> UInt64 { try cpu.read(address, cpu: number) }
  func apply(_ change: Switch) -> Bool { cpu.apply(change) }
  func control(_ text: String) throws { try cpu.control(text) }
  func bytes(_ count: Int, at offset: Int64, cpu number: Int) throws -> [UInt8] {
    try cpu.read(bytes: count, at: offset, cpu: number)
  }
}
