internal import Formatting
internal import Glibc
internal import SystemCalls
public import RAPL

/// Why a source cannot measure this machine: what failed, on what, why, and what to do.
public enum SourceError: Error {
  /// The CPU's vendor is not known to have energy registers.
  case unknownVendor(CPUIdentity)
  /// An AMD or Hygon CPU that does not announce RAPL.
  case notAnnounced(CPUIdentity)
  /// A model from before RAPL, whose registers cannot be read.
  case olderThanRAPL(CPUIdentity)
  /// A model that is known to have no energy registers.
  case noRegisters(CPUIdentity)
  /// A file of the machine's (or of the `--root` folder's) description is missing or unreadable.
  case unreadable(path: String, errno: Int32)
  /// A file's contents are not valid.
  case malformed(path: String, expected: String)
  /// The folder is a captured machine, and the capture is damaged.
  case capture(CaptureError)
  /// An msr node cannot be opened.
  case cannotOpen(path: String, errno: Int32, ownMachine: Bool)
  /// Powercap has no energy zones.
  case noPowercap(String)
  /// Powercap has energy zones, but they are broken links.
  case maskedPowercap(String)
  /// A container hides the counters from this process.
  case hidden(path: String, container: String, devices: String)
  /// This process is root in a user namespace only.
  case namespaceRoot(path: String)
  /// Two zones of powercap have the same name, so it is unknown what each counts.
  case repeatedZone([String], in: String, counter: String)
  /// A file of a powercap zone cannot be read.
  case energyFile(path: String, errno: Int32)
  /// A file belongs to a powercap tree that shows what a service like this one has measured.
  case ownTree(path: String)
  /// A file of a powercap zone does not contain a plausible number.
  case noEnergy(path: String)
  /// A register that the source needs cannot be read.
  case register(RegisterError)
  /// The unit register reads 0.
  case noUnits(address: UInt32)
  /// The unit register would make a counter wrap within a second, or a count more than a joule.
  case implausibleUnits(address: UInt32, joulesPerCount: Double)
  /// A package's energy counter reads 0.
  case zeroCounter(PackageID)
  /// A package's energy counter does not move.
  case stuckCounter(PackageID, value: UInt64)
  /// The lists of a machine contradict each other: a part of it is hidden.
  case hiddenPackage(String)
  /// A zone is a package's by its name, but the package has several dies, and nothing shows that the zone counts all of them.
  case zoneOfOneDie(path: String, PackageID, dies: Int, hasRegisters: Bool)
  /// Two packages' counters show nearly the same values for so long that they may be one counter.
  case doubtfulCounters(PackageID, PackageID)
}

extension SourceError {
  /// The error for a unit that no CPU has, which means junk in the unit register. The service and the doctor both use it.
  package static func implausible(_ unit: EnergyUnit, by address: UInt32) -> SourceError? {
    // The coarsest counter is in whole joules. The finest must not wrap so soon at the highest power that four readings a second
    // would miss it, whatever the part's own bound is.
    let isOne =
      unit.joulesPerCount <= 1
      && PowerBound.highest.longestCertainSeconds(unit: unit, range: EnergyCounter.registerRange) >= 0.25
    return isOne ? nil : .implausibleUnits(address: address, joulesPerCount: unit.joulesPerCount)
  }
}

extension SourceError: CustomStringConvertible {
  /// One sentence, or two if the fix needs its own.
  public var description: String {
    switch self {
    case .unknownVendor(let cpu):
      "\(cpu) cannot be measured: only Intel, AMD and Hygon CPUs are known to have energy registers."
    case .notAnnounced(let cpu):
      "\(cpu) does not announce RAPL (CPUID 80000007h EDX bit 14): it has no energy registers, or a virtual machine "
        + "hides them; in a virtual machine, measure on the host instead."
    case .olderThanRAPL(let cpu):
      "\(cpu) cannot be measured: it is older than RAPL, which Intel introduced with Sandy Bridge and AMD with Zen. If this is a "
        + "virtual machine that only shows this model, measure on the host."
    case .noRegisters(let cpu):
      "\(cpu) has no energy registers; it can only be measured with /sys/class/powercap."
    case .unreadable(let path, let errno):
      "Cannot read \(path): \(errorText(errno)). \(Self.needed)"
    case .malformed(let path, let expected):
      "\(path) does not contain a \(expected). \(Self.needed)"
    case .capture(let error):
      "\(error)"
    case .cannotOpen(let path, let errno, let ownMachine):
      "Cannot open \(path): \(Self.reason(errno, ownMachine: ownMachine))"
    case .noPowercap(let folder):
      "There are no energy zones in \(folder); load the kernel's module: sudo modprobe intel_rapl_msr (in a virtual machine, "
        + "measure on the host instead)."
    case .maskedPowercap(let folder):
      "The energy zones in \(folder) are broken links, as in a container that hides them; run the service on the host."
    case .hidden(let path, let container, let devices):
      "This container (\(container)) hides \(path). Run the service on the host, and share "
        + "/run/pkg-watt-stat with the container, or give it \(devices)."
    case .namespaceRoot(let path):
      "Cannot open \(path): this process is root only in a user namespace, as in a container without root. Run the service "
        + "outside of it, as the machine's root."
    case .repeatedZone(let zones, let folder, let counter):
      "\(zones.joined(separator: " and ")) in \(folder) both claim to count \(counter), so it is unknown "
        + "what each counts; measure the msr registers instead of powercap: sudo modprobe msr"
    case .energyFile(let path, EACCES):
      "Cannot read \(path): only root may read it; run as root (sudo)."
    case .energyFile(let path, ENODEV):
      "Cannot read \(path): its package went offline; bring it online and restart the service."
    case .energyFile(let path, let errno):
      "Cannot read \(path): \(errorText(errno)); check that the kernel's intel_rapl_msr module is loaded."
    case .ownTree(let path):
      "\(path) shows what pkg-watt-stat itself has measured (pkg-watt-stat powercap, or with); unmount that tree, or run the "
        + "service outside of it."
    case .noEnergy(let path):
      "\(path) does not contain a plausible number of microjoules, so it cannot be used to measure."
    case .register(let error):
      "\(error)"
    case .noUnits(let address):
      "The energy unit register \(hexadecimal(address)) reads 0, as in a virtual machine without RAPL; measure on the "
        + "host instead."
    case .implausibleUnits(let address, let joules):
      "The energy unit register \(hexadecimal(address)) gives \(joules) J for each count, which is \(joules < 1 ? "less" : "more") than on any CPU, "
        + "as in a virtual machine without RAPL; measure on the host instead."
    case .zeroCounter(let id):
      "The energy counter of \(id) reads 0, as in a virtual machine without RAPL; measure on the host instead."
    case .hiddenPackage(let contradiction):
      "\(contradiction): part of this machine is hidden, as in a container, and its power would be missing from the sum; run "
        + "the service on the host, or give it all of /sys, /proc and /dev/cpu."
    case .zoneOfOneDie(let path, let id, let dies, let hasRegisters):
      "It is unknown whether \(path) counts all of \(id) or only one of its \(dies) dies, so power may be missing from the sum; "
        + (hasRegisters
          ? "measure the msr registers instead of powercap: sudo modprobe msr"
          : "run the service on the host, with a kernel that has a zone for each die.")
    case .doubtfulCounters(let one, let other):
      "The energy counters of \(one) and \(other) stay close to the same value, so they may be one counter that would be counted "
        + "twice; in a virtual machine, measure on the host instead; on a real machine, start again later."
    case .stuckCounter(let id, let value):
      "The energy counter of \(id) does not move\(CounterProbe.orTooSeldom) (it stays at \(value)), so nothing can be measured; in a "
        + "virtual machine, measure on the host, otherwise switch RAPL on in the firmware."
    }
  }

  private static let needed =
    "Mount /proc and /sys, or check that the folder of --root has dev/cpu, sys/devices/system/cpu and proc/cpuinfo."

  private static func reason(_ errno: Int32, ownMachine: Bool) -> String {
    switch errno {
    case ENOENT where ownMachine: "it does not exist; load the kernel's msr module: sudo modprobe msr"
    case EACCES: "its permissions do not allow it; run as root (sudo), or join the group that owns it."
    case EPERM:
      "the kernel does not allow it; run as root (sudo) or with CAP_SYS_RAWIO. If you already do, a container or kernel "
        + "lockdown (Secure Boot) forbids reading registers."
    case ENXIO: "the CPU is offline, or has no registers."
    default: "\(errorText(errno))."
    }
  }
}
