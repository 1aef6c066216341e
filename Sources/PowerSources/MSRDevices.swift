internal import CMSRShim
internal import Glibc
public import RAPL
internal import SystemCalls

/// The msr nodes of a machine, all opened read-only at the start.
///
/// A descriptor stays valid while its CPU goes offline and comes back, so nothing is opened twice. CPUs that come online later
/// are opened once no other CPU of their package is left, if this process still may.
public final class MSRDevices: OpenedRegisters {
  /// The msr driver's number: MSR_MAJOR in the kernel's include/uapi/linux/major.h.
  private static let driver: UInt32 = 202

  /// Each CPU's descriptor at the CPU's number; -1 if there is none.
  private let descriptors: [Int32]

  /// Finds CPUs that come online later; nil if they are not looked for.
  private let tree: MachineTree?
  private let online: OnlineList?

  /// Why nodes of other CPUs could not be opened: errno values.
  package let openErrors: [Int: Int32]

  /// Opens the node of each CPU that can be opened.
  ///
  /// - Parameter root: a folder that stands for /, with which the paths begin; empty for / itself.
  package convenience init(cpus: [Int], root: String = "", path: (Int) -> String) {
    self.init(cpus: cpus, root: root, path: path, tree: nil)
  }

  /// Opens the node of each CPU of a machine that can be opened.
  package convenience init(cpus: [Int], tree: MachineTree) {
    self.init(cpus: cpus, root: tree.root, path: tree.msrPath, tree: tree)
  }

  private init(cpus: [Int], root: String, path: (Int) -> String, tree: MachineTree?) {
    var descriptors = [Int32](repeating: -1, count: (cpus.max() ?? -1) + 1)
    var errors: [Int: Int32] = [:]
    for cpu in cpus {
      do {
        descriptors[cpu] = try RegularFile.open(path(cpu), root: root, orDeviceOf: Self.driver).release()
      } catch {
        errors[cpu] = error.errno
      }
    }
    self.descriptors = descriptors
    self.tree = tree
    online = tree.flatMap(OnlineList.init)
    openErrors = errors
  }

  /// Whether a node can be opened. It is closed again.
  static func opens(_ path: String, root: String) -> Bool {
    do {
      _ = try RegularFile.open(path, root: root, orDeviceOf: driver)
      return true
    } catch {
      return false
    }
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

  /// The CPUs that are online, in the kernel's notation.
  public func onlineCPUs() -> [UInt8]? { online?.text() }

  /// Opens CPUs of a package that have come online since.
  public func newcomers(of package: PackageID, besides known: [Int]) throws(RegisterError) -> Newcomers? {
    guard let tree, let places = try? tree.places() else { return nil }
    let ofPackage = places.filter { $0.package == package.package && package.die ?? $0.die == $0.die }
    let cpus = PackageCPUs.order(ofPackage).filter { !known.contains($0) }
    let devices = MSRDevices(cpus: cpus, tree: tree)
    let opened = cpus.filter { devices.openErrors[$0] == nil }
    if opened.isEmpty, let cpu = cpus.first, let errno = devices.openErrors[cpu] {
      throw .notOpened(cpu: cpu, errno: errno)
    }
    if opened.isEmpty { return nil }
    let cores = PhysicalCore.group(ofPackage)?.filter { !$0.cpus.contains(where: known.contains) }
    return Newcomers(registers: devices, cpus: opened, cores: cores)
  }

  private static func error(_ errno: Int32, address: UInt32, cpu: Int) -> RegisterError {
    switch errno {
    case EIO: .absent(address: address, cpu: cpu)
    case ENXIO: .offline(cpu: cpu)
    default: .failed(address: address, cpu: cpu, errno: errno)
    }
  }
}
