internal import CMSRShim
internal import Glibc
public import RAPL
internal import SystemCalls

/// A file that shows an energy counter, or what was captured of one.
protocol CounterFile: AnyObject, Sendable {
  /// Reads the counter now.
  func read() throws(SourceError) -> UInt64

  /// The counter's value with its time, if one reading serves several counters: from a reading that began at or after a time, or
  /// from a new one. nil if this counter is read alone.
  func timed(since: Int64, toleranceNanoseconds: Int64) throws(SourceError) -> TimedValue?

  /// Why it has to be opened again, if it has to.
  var change: MachineChange? { get }
}

extension CounterFile {
  /// It is read alone.
  func timed(since: Int64, toleranceNanoseconds: Int64) throws(SourceError) -> TimedValue? { nil }
}

/// A counter's value, and the time of the reading.
struct TimedValue {
  let value: UInt64
  /// The middle of the read.
  let monotonicNanoseconds: Int64
  /// How long the read took: its middle is right within half of that.
  let tookNanoseconds: Int64
}

/// The registers of a reader that reads a file.
private struct NoRegisters: RegisterFile {
  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 { throw .offline(cpu: cpu) }
}

/// Reads an energy counter, with the clock before and after it: a file, or a register of a package, through one of the package's
/// CPUs, and through another if that one is offline.
struct CounterReader {
  /// The tolerance for a read that ends no window yet: that of the shortest window that is ever public, 250 ms (see the PLATYPUS
  /// paper, CVE-2020-8694).
  static let firstToleranceNanoseconds = toleranceNanoseconds(window: 250_000_000)

  /// A read is repeated at most this often to get one that was not interrupted.
  private static let mostTries = 3

  /// The file; nil for a register. A register is read without asking for it: even that would copy it.
  let file: (any CounterFile)?
  private let address: UInt32
  /// The bits of the register that are the value.
  private let mask: UInt64
  /// Not optional: each read of an optional would copy it, which costs as many instructions as all the rest of the read.
  private var registers: any RegisterFile
  private var cpus: [Int]
  /// The index of the CPU that could read last.
  private var current = 0
  /// Finds further CPUs; nil if none are wanted.
  private let search: HotplugSearch?
  /// The generation in which the CPUs were found.
  private var generation = 0

  /// How long a read may take before it counts as interrupted: a hundredth of the window that it ends.
  static func toleranceNanoseconds(window: Int64) -> Int64 { window / 100 }

  /// The quickest of a few reads, stamped with its middle. A register is read through the first CPU that can. If all are offline,
  /// those that have come online since are opened.
  ///
  /// - Parameters:
  ///   - tolerance: how many nanoseconds a read may take before it counts as interrupted and is repeated.
  ///   - since: how old the value may be, if one reading serves several counters; otherwise it is always a new one.
  /// - Throws: the error of the CPU that was tried first, or why those that came online cannot be used.
  @inline(__always)
  mutating func read(
    toleranceNanoseconds tolerance: Int64, since: Int64 = .max
  ) throws(SourceError) -> TimedValue {
    if cpus.isEmpty, let value = try file?.timed(since: since, toleranceNanoseconds: tolerance) { return value }
    return try readAlone(tolerance)
  }

  private mutating func readAlone(_ tolerance: Int64) throws(SourceError) -> TimedValue {
    var best: TimedValue?
    var tries = 0
    var index = current
    var firstError: RegisterError?
    while true {
      let before = cmsr_monotonic_nanoseconds()
      let value: UInt64
      do throws(SourceError) {
        if index < cpus.count {
          do throws(RegisterError) {
            value = try registers.read(address, cpu: cpus[index]) & mask
          } catch {
            firstError = firstError ?? error
            throw .register(error)
          }
        } else {
          guard let file else { throw .register(.offline(cpu: 0)) }
          value = try file.read()
        }
      } catch {
        // A slow value is better than the error of another try.
        if let best { return best }
        guard let first = firstError else { throw error }
        // A register that one CPU of a package does not have is missing from the others too, and each read interrupts one.
        if case .register(.absent) = error { throw .register(first) }
        index += 1
        if index >= cpus.count { index = 0 }
        if index == current {
          guard try findHotplugged() else { throw .register(first) }
          (index, firstError) = (0, nil)
        }
        continue
      }
      let took = cmsr_monotonic_nanoseconds() - before
      current = index
      tries += 1
      if let best, best.tookNanoseconds <= took {
        if tries == Self.mostTries { return best }
      } else {
        let quickest = TimedValue(value: value, monotonicNanoseconds: before + took / 2, tookNanoseconds: took)
        if took <= tolerance || tries == Self.mostTries { return quickest }
        best = quickest
      }
    }
  }

  private mutating func findHotplugged() throws(SourceError) -> Bool {
    do throws(RegisterError) {
      guard let found = try search?.hotplugged(after: generation, besides: cpus, through: registers) else {
        return false
      }
      (registers, cpus) = (found.hotplugged.registers, found.hotplugged.cpus)
      generation = found.generation
      current = 0
      return true
    } catch {
      throw .register(error)
    }
  }
}

extension CounterReader {
  /// Reads a file.
  init(_ file: any CounterFile) {
    self.init(file: file, address: 0, mask: .max, registers: NoRegisters(), cpus: [], search: nil)
  }

  /// Reads a whole register of a package.
  init(_ address: UInt32, of package: PackageCPUs, _ registers: any RegisterFile) {
    self.init(
      file: nil, address: address, mask: .max, registers: registers, cpus: package.cpus,
      search: HotplugSearch(package.id))
  }

  /// Reads the counter in a core's register through one of its threads, and finds no other CPUs.
  init(counter address: UInt32, of core: PhysicalCore, _ registers: any RegisterFile) {
    self.init(
      file: nil, address: address, mask: EnergyCounter.registerRange - 1, registers: registers, cpus: core.cpus,
      search: nil)
  }

  /// Reads another register of the same package, whole. Both share the search for further CPUs.
  func register(_ address: UInt32) -> Self {
    Self(file: file, address: address, mask: .max, registers: registers, cpus: cpus, search: search)
  }

  /// Reads the counter in another register of the same package: its low 32 bits. Both share the search for further CPUs.
  func counter(_ address: UInt32) -> Self {
    Self(
      file: file, address: address, mask: EnergyCounter.registerRange - 1, registers: registers, cpus: cpus,
      search: search)
  }
}

/// The msr nodes of a machine, all opened read-only at the start.
///
/// A descriptor stays valid while its CPU goes offline and comes back, so nothing is opened twice. CPUs that come online later
/// are opened once no other CPU of their package is left, if this process still may.
public final class MSRDevices: OpenedRegisters {
  /// The msr driver's number: MSR_MAJOR in the kernel's include/uapi/linux/major.h. Its number of a device is that of the CPU.
  static let driver: UInt32 = 202

  /// Each CPU's descriptor at the CPU's number; -1 if there is none.
  private let descriptors: [Int32]

  /// Finds CPUs that come online later; nil if none are wanted.
  private let tree: MachineTree?
  private let online: OnlineList?

  /// Why nodes of other CPUs could not be opened: errno values.
  package let openErrors: [Int: Int32]

  /// Opens the node of each CPU that can be opened.
  ///
  /// - Parameter path: the path of a CPU's node.
  package convenience init(cpus: [Int], path: (Int) -> String) {
    self.init(cpus: cpus) { cpu throws(FileError) in try Self.open(path(cpu)) }
  }

  /// The same for a machine, in which CPUs that come online later are found too.
  convenience init(cpus: [Int], of tree: MachineTree) {
    self.init(cpus: cpus, tree: tree, open: tree.node)
  }

  private init(cpus: [Int], tree: MachineTree? = nil, open: (Int) throws(FileError) -> Descriptor) {
    var descriptors = [Int32](repeating: -1, count: (cpus.max() ?? -1) + 1)
    var errors: [Int: Int32] = [:]
    for cpu in cpus {
      do {
        descriptors[cpu] = try open(cpu).release()
      } catch {
        errors[cpu] = error.errno
      }
    }
    self.descriptors = descriptors
    self.tree = tree
    online = tree.flatMap(OnlineList.init)
    openErrors = errors
  }

  /// Opens a node, or a regular file that stands for one.
  ///
  /// - Parameter root: a folder that stands for /, with which the path begins; empty for / itself.
  static func open(_ path: String, root: String = "") throws(FileError) -> Descriptor {
    try RegularFile.open(path, root: root, orDeviceOf: driver)
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
  public func hotplugged(of package: PackageID, besides known: [Int]) throws(RegisterError) -> HotpluggedCPUs? {
    guard let tree, let places = try? tree.places() else { return nil }
    let ofPackage = places.filter { $0.package == package.package && package.die ?? $0.die == $0.die }
    let cpus = PackageCPUs.order(ofPackage).filter { !known.contains($0) }
    let devices = MSRDevices(cpus: cpus, of: tree)
    let opened = cpus.filter { devices.openErrors[$0] == nil }
    if opened.isEmpty, let cpu = cpus.first, let errno = devices.openErrors[cpu] {
      throw .notOpened(cpu: cpu, errno: errno)
    }
    if opened.isEmpty { return nil }
    let cores = PhysicalCore.group(ofPackage)?.filter { !$0.cpus.contains(where: known.contains) }
    return HotpluggedCPUs(registers: devices, cpus: opened, cores: cores)
  }

  private static func error(_ errno: Int32, address: UInt32, cpu: Int) -> RegisterError {
    switch errno {
    case EIO: .absent(address: address, cpu: cpu)
    case ENXIO: .offline(cpu: cpu)
    default: .failed(address: address, cpu: cpu, errno: errno)
    }
  }
}
