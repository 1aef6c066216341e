internal import Formatting
internal import Glibc
internal import SystemCalls
public import RAPL

/// Why a source cannot measure this machine: what failed, on what, why, and what to do.
public enum SourceError: Error {
  /// The CPU's vendor has no energy registers that we know.
  case unknownVendor(CPUIdentity)
  /// An AMD or Hygon CPU that does not announce RAPL.
  case notAnnounced(CPUIdentity)
  /// A model from before RAPL, whose registers cannot be read.
  case olderThanRAPL(CPUIdentity)
  /// A model that is known to have no energy registers.
  case noRegisters(CPUIdentity)
  /// A file of the machine's (or of the `--root` folder's) description is missing or unreadable.
  case unreadable(path: String, errno: Int32)
  /// A file's contents make no sense.
  case malformed(path: String, expected: String)
  /// The folder holds a captured machine, and something is wrong with the capture.
  case capture(CaptureError)
  /// An msr node cannot be opened.
  case cannotOpen(path: String, errno: Int32, ownMachine: Bool)
  /// There are no energy zones of powercap.
  case noPowercap(String)
  /// There are energy zones of powercap, but they lead nowhere.
  case maskedPowercap(String)
  /// A container keeps this process from the counters.
  case hidden(path: String, container: String, devices: String)
  /// This process is root in a user namespace only.
  case namespaceRoot(path: String)
  /// Two zones of powercap have one name, so that nobody can tell whose energy each is.
  case repeatedZone([String], in: String, counter: String)
  /// A file of a powercap zone cannot be read.
  case energyFile(path: String, errno: Int32)
  /// A file of a powercap zone holds no plausible number.
  case noEnergy(path: String)
  /// A register that the source needs cannot be read.
  case register(RegisterError)
  /// The unit register reads 0.
  case noUnits(address: UInt32)
  /// The unit register makes a counter wrap within a second, or a count more than a joule.
  case implausibleUnits(address: UInt32, joulesPerCount: Double)
  /// A package's energy counter reads 0.
  case zeroCounter(PackageID)
  /// A package's energy counter does not move.
  case stuckCounter(PackageID, value: UInt64)
  /// The lists of a machine contradict each other: a part of it is hidden.
  case hiddenPackage(String)
  /// Two packages' counters show nearly the same values for so long that nobody can tell whether they are one counter.
  case doubtfulCounters(PackageID, PackageID)
}

extension SourceError {
  /// What is wrong with a unit that no CPU has: junk in the unit register. The service and the doctor ask the same.
  package static func implausible(_ unit: EnergyUnit, by address: UInt32) -> SourceError? {
    // The coarsest counter is in whole joules. The finest must not be taken around by the highest power so soon that four
    // looks a second miss it, whatever the part's own bound is.
    let isOne = unit.joulesPerCount <= 1 && PowerBound.highest.longestCertainSeconds(unit: unit) >= 0.25
    return isOne ? nil : .implausibleUnits(address: address, joulesPerCount: unit.joulesPerCount)
  }
}

extension SourceError: CustomStringConvertible {
  /// One sentence, or two where the fix needs its own.
  public var description: String {
    switch self {
    case .unknownVendor(let cpu):
      "\(cpu): only Intel, AMD and Hygon CPUs are known to have energy registers."
    case .notAnnounced(let cpu):
      "\(cpu) does not announce RAPL (CPUID 80000007h EDX bit 14): it has no energy registers, or a virtual machine "
        + "hides them; measure on the host instead."
    case .olderThanRAPL(let cpu):
      "\(cpu) is older than RAPL (Intel has it since Sandy Bridge, AMD since Zen): it has no energy registers, so nothing "
        + "can measure it. If this is a virtual machine that only shows this model, measure on the host."
    case .noRegisters(let cpu):
      "\(cpu) has no energy registers; its energy is in /sys/class/powercap only."
    case .unreadable(let path, let errno):
      "Cannot read \(path): \(errorText(errno)). \(Self.needed)"
    case .malformed(let path, let expected):
      "\(path) holds no \(expected). \(Self.needed)"
    case .capture(let error):
      "\(error)"
    case .cannotOpen(let path, let errno, let ownMachine):
      "Cannot open \(path): \(Self.reason(errno, ownMachine: ownMachine))"
    case .noPowercap(let folder):
      "There are no energy zones in \(folder); load the kernel's module: sudo modprobe intel_rapl_msr (a virtual machine has "
        + "none; measure on the host instead)."
    case .maskedPowercap(let folder):
      "The energy zones in \(folder) lead nowhere, as in a container that hides them; run the service on the host."
    case .hidden(let path, let container, let devices):
      "This container (\(container)) hides \(path). Run the service on the host, and share "
        + "/run/pkg-watt-stat with the container, or give it \(devices)."
    case .namespaceRoot(let path):
      "Cannot open \(path): this is root of a user namespace, not of the machine, as in a container without root. Run the service "
        + "outside of it, as the machine's root."
    case .repeatedZone(let zones, let folder, let counter):
      "\(zones.joined(separator: " and ")) in \(folder) both say that they count \(counter), so nobody "
        + "can tell whose energy each is; without powercap, the msr registers can be measured: sudo modprobe msr."
    case .energyFile(let path, EACCES):
      "Cannot read \(path): only root may; run as root (sudo)."
    case .energyFile(let path, ENODEV):
      "Cannot read \(path): its package has gone offline; bring it back and restart the service."
    case .energyFile(let path, let errno):
      "Cannot read \(path): \(errorText(errno)); see whether the kernel's intel_rapl_msr module is loaded."
    case .noEnergy(let path):
      "\(path) holds no plausible number of microjoules, so nothing can be measured by it."
    case .register(let error):
      "\(error)"
    case .noUnits(let address):
      "The energy unit register \(hexadecimal(address)) reads 0, as in a virtual machine without RAPL; measure on the "
        + "host instead."
    case .implausibleUnits(let address, let joules):
      "The energy unit register \(hexadecimal(address)) says \(joules) J a count, which is \(joules < 1 ? "less" : "more") than any CPU's; it cannot "
        + "be believed, as in a virtual machine without RAPL."
    case .zeroCounter(let id):
      "The energy counter of \(id) reads 0, as in a virtual machine without RAPL; measure on the host instead."
    case .hiddenPackage(let contradiction):
      "\(contradiction): a part of this machine is hidden, as in a container, and its power would be missing from the sum; run "
        + "the service on the host, or give it all of /sys, /proc and /dev/cpu."
    case .doubtfulCounters(let one, let other):
      "The energy counters of \(one) and \(other) show the same value, or nearly, for so long that nobody can tell whether they "
        + "are one counter, and their sum may count it twice; in a virtual machine, measure on the host instead, on a real "
        + "one, start again later."
    case .stuckCounter(let id, let value):
      "The energy counter of \(id) does not move\(CounterProbe.orTooSeldom) (it stays at \(value)), so nothing can be measured; a "
        + "virtual machine does this, or a firmware in which RAPL is switched off."
    }
  }

  private static let needed =
    "A machine is described by dev/cpu, sys/devices/system/cpu and proc/cpuinfo; mount /proc and /sys, or check the folder "
    + "given by --root."

  private static func reason(_ errno: Int32, ownMachine: Bool) -> String {
    switch errno {
    case ENOENT where ownMachine: "there is no such node; load the kernel's msr module: sudo modprobe msr"
    case EACCES: "the file's permissions do not allow it; run as root (sudo), or join the group that owns it."
    case EPERM:
      "the kernel does not allow it; run as root (sudo) or with CAP_SYS_RAWIO. If it already is so, a container or "
        + "kernel lockdown (Secure Boot) forbids reading registers."
    case ENXIO: "that CPU is offline, or has no registers."
    default: "\(errorText(errno))."
    }
  }
}
