internal import CMSRShim
internal import Glibc

/// The msr nodes of a machine, all opened read-only at the start.
///
/// A descriptor outlives its CPU going offline and coming back, and the right to open is asked for only once: nothing is
/// ever opened again.
public final class MSRDevices: RegisterFile {
  private var descriptors: [Int: Int32] = [:]

  init() {}

  /// Opens a CPU's node; gives 0 or an errno value.
  func open(_ path: String, cpu: Int) -> Int32 {
    // Non-blocking: a FIFO in a captured tree must not hang the service. The driver does not look at it.
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return errno }
    descriptors[cpu] = descriptor
    return 0
  }

  deinit {
    for descriptor in descriptors.values { close(descriptor) }
  }

  /// Reads one register through one CPU.
  public func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    guard let descriptor = descriptors[cpu] else { throw .offline(cpu: cpu) }
    let result = cmsr_read(descriptor, address)
    switch result.error {
    case 0: return result.value
    case EIO: throw .absent(address: address, cpu: cpu)
    case ENXIO: throw .offline(cpu: cpu)
    default: throw .failed(address: address, cpu: cpu, errno: result.error)
    }
  }
}
