internal import PowerSources

extension FaultyCPU {
  /// Opens a CPU's node as the msr driver does, its test of CAP_SYS_RAWIO apart.
  public func open(cpu: Int) throws(DeviceError) {
    guard isOnline(cpu) else { throw .offline }
  }

  /// Reads a CPU's node as the msr driver does (msr_read in arch/x86/kernel/msr.c): the offset's low 32 bits are the
  /// register, and 8 * n bytes are that register n times, each a read of its own.
  public mutating func read(bytes count: Int, at offset: Int64, cpu: Int) throws(DeviceError) -> [UInt8] {
    guard count % 8 == 0 else { throw .invalid }
    let address = UInt32(truncatingIfNeeded: offset)
    var bytes: [UInt8] = []
    while bytes.count < count {
      do {
        let value = try read(address, cpu: cpu)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
      } catch {
        throw if case .offline = error { .offline } else { .fault }
      }
    }
    return bytes
  }

  /// Takes what was written to the control file: one command.
  public mutating func control(_ text: String) throws(DeviceError) {
    guard let change = Switch(text), apply(change) else { throw .invalid }
  }
}
