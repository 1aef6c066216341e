internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The msr nodes of a machine, all opened read-only at the start.
///
/// A descriptor outlives its CPU going offline and coming back, and the right to open is asked for only once: nothing is
/// ever opened again.
public final class MSRDevices: RegisterFile {
  /// The msr driver's number: MSR_MAJOR in the kernel's include/uapi/linux/major.h.
  private static let driver: UInt32 = 202

  /// Each CPU's descriptor at its number; -1 where there is none.
  private let descriptors: [Int32]

  /// Why the other CPUs' nodes could not be opened: errno values.
  package let openErrors: [Int: Int32]

  /// Opens the node of each CPU that can be opened.
  package init(cpus: [Int], path: (Int) -> String) {
    var descriptors = [Int32](repeating: -1, count: (cpus.max() ?? -1) + 1)
    var errors: [Int: Int32] = [:]
    for cpu in cpus {
      do {
        descriptors[cpu] = try RegularFile.open(path(cpu), orDeviceOf: Self.driver).release()
      } catch {
        errors[cpu] = error.errno
      }
    }
    self.descriptors = descriptors
    openErrors = errors
  }

  deinit {
    for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
  }

  /// Reads one register through one CPU.
  public func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    guard descriptors.indices.contains(cpu), descriptors[cpu] >= 0 else {
      throw Self.error(openErrors[cpu] ?? ENXIO, address: address, cpu: cpu)
    }
    let result = cmsr_read(descriptors[cpu], address)
    guard result.error == 0 else { throw Self.error(result.error, address: address, cpu: cpu) }
    return result.value
  }

  private static func error(_ errno: Int32, address: UInt32, cpu: Int) -> RegisterError {
    switch errno {
    case EIO: .absent(address: address, cpu: cpu)
    case ENXIO: .offline(cpu: cpu)
    default: .failed(address: address, cpu: cpu, errno: errno)
    }
  }
}
