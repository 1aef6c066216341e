internal import Formatting
internal import Glibc
public import RAPL
internal import SystemCalls

/// Registers that can be read: the machine's own, or simulated ones.
public protocol RegisterFile: Sendable {
  /// Reads one register through one CPU.
  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64

  /// A text that changes with the CPUs that are online; nil if no CPU ever comes online later.
  func onlineCPUs() -> [UInt8]?

  /// Opens CPUs of a package that have come online since, beside the known ones.
  ///
  /// - Returns: nil if there are none.
  /// - Throws: the reason if they cannot be opened.
  func hotplugged(of package: PackageID, besides known: [Int]) throws(RegisterError) -> HotpluggedCPUs?
}

/// The registers of CPUs, some of which may not be readable.
package protocol OpenedRegisters: RegisterFile {
  /// Why nodes of CPUs could not be opened: errno values.
  var openErrors: [Int: Int32] { get }
}

/// CPUs that came online after the start, and their registers.
public struct HotpluggedCPUs: Sendable {
  let registers: any RegisterFile
  let cpus: [Int]
  /// The physical cores without known threads; nil if that is not certain.
  var cores: [PhysicalCore]? = nil
}

extension RegisterFile {
  /// No CPU ever comes online later.
  public func onlineCPUs() -> [UInt8]? { nil }

  /// No CPU ever comes online later.
  public func hotplugged(of package: PackageID, besides known: [Int]) throws(RegisterError) -> HotpluggedCPUs? { nil }
}

/// Why a register could not be read.
public enum RegisterError: Error, Equatable {
  /// The register faults (EIO): this CPU, or the virtual machine around it, does not have it.
  case absent(address: UInt32, cpu: Int)
  /// The CPU is offline (ENXIO).
  case offline(cpu: Int)
  /// The CPU came online after the start, and its node cannot be opened.
  case notOpened(cpu: Int, errno: Int32)
  /// A captured machine's register that was not captured.
  case notCaptured(address: UInt32, cpu: Int)
  /// A captured machine is replayed, and its trace has ended after this many seconds.
  case traceOver(seconds: Double)
  /// Any other errno value.
  case failed(address: UInt32, cpu: Int, errno: Int32)
}

extension RegisterError: CustomStringConvertible {
  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .absent(let address, let cpu):
      "Register \(hexadecimal(address)) of CPU \(cpu) cannot be read (EIO). If that goes on, run pkg-watt-stat doctor."
    case .offline(let cpu):
      "CPU \(cpu) is offline (ENXIO); bring it online with: echo 1 | sudo tee /sys/devices/system/cpu/cpu\(cpu)/online"
    case .notOpened(let cpu, let errno):
      "CPU \(cpu) came online after the start, and this process may no longer open its registers (\(errorText(errno))), as with "
        + "--seal; restart the service."
    case .notCaptured(let address, let cpu):
      "Register \(hexadecimal(address)) of CPU \(cpu) is not in this capture; capture the machine again, and with --trace if this one has a trace."
    case .traceOver(let seconds):
      "The replayed trace ended after \((seconds * 10).rounded() / 10) s; restart to replay it again."
    case .failed(let address, let cpu, EPERM):
      Self.forbidden(address, cpu) + "; to find out what to do: sudo pkg-watt-stat doctor"
    case .failed(let address, let cpu, let errno):
      "Register \(hexadecimal(address)) of CPU \(cpu) cannot be read: \(errorText(errno))."
    }
  }

  static func forbidden(_ address: UInt32, _ cpu: Int) -> String {
    "Register \(hexadecimal(address)) of CPU \(cpu) cannot be read (EPERM): a container, a security module or kernel lockdown forbids it"
  }
}
