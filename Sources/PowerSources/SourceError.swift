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
  /// The kernel is locked down, and keeps even a process with CAP_SYS_RAWIO from opening an msr node.
  case lockedDown(path: String, mode: String)
  /// A package has no msr node, although the kernel's module is loaded.
  case missingNode(path: String)
  /// A CPU is online, and its msr node is not among those that were passed to this process.
  case notPassed(path: String, cpu: Int)
  /// Powercap has no energy zones.
  case noPowercap(String)
  /// Powercap has energy zones, but they are broken links.
  case maskedPowercap(String)
  /// A container hides the counters from this process.
  case hidden(path: String, container: String, devices: String?)
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
  /// A machine has more of something than any machine that is known, so this is not one, or would take very long.
  case tooMany(String, count: Int, most: Int, in: String)
  /// The kernel's energy events cannot be used.
  case events(EventError)
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

  /// The error if a package has no node that can be opened, which the service and the doctor both use.
  package static func locked(
    _ packages: [PackageCPUs], _ openErrors: [Int: Int32], path: (Int) -> String, ownMachine: Bool
  ) -> SourceError? {
    let locked = packages.first { package in package.cpus.allSatisfy { openErrors[$0] != nil } }
    guard let cpu = locked?.cpus.first, let errno = openErrors[cpu] else { return nil }
    let isAlone = errno == ENOENT && packages.contains { package in package.cpus.contains { openErrors[$0] == nil } }
    return isAlone
      ? .missingNode(path: path(cpu)) : .cannotOpen(path: path(cpu), errno: errno, ownMachine: ownMachine)
  }

  /// The same with the paths that the files have on the machine, rather than in a copy of it.
  package func showing(_ shown: (String) -> String) -> SourceError {
    switch self {
    case .unreadable(let path, let errno): .unreadable(path: shown(path), errno: errno)
    case .malformed(let path, let expected): .malformed(path: shown(path), expected: expected)
    case .cannotOpen(let path, let errno, let own): .cannotOpen(path: shown(path), errno: errno, ownMachine: own)
    case .lockedDown(let path, let mode): .lockedDown(path: shown(path), mode: mode)
    case .missingNode(let path): .missingNode(path: shown(path))
    case .notPassed(let path, let cpu): .notPassed(path: shown(path), cpu: cpu)
    case .noPowercap(let folder): .noPowercap(shown(folder))
    case .maskedPowercap(let folder): .maskedPowercap(shown(folder))
    case .hidden(let path, let container, let devices):
      .hidden(path: shown(path), container: container, devices: devices)
    case .namespaceRoot(let path): .namespaceRoot(path: shown(path))
    case .repeatedZone(let zones, let folder, let counter):
      .repeatedZone(zones, in: shown(folder), counter: counter)
    case .energyFile(let path, let errno): .energyFile(path: shown(path), errno: errno)
    case .ownTree(let path): .ownTree(path: shown(path))
    case .noEnergy(let path): .noEnergy(path: shown(path))
    case .tooMany(let what, let count, let most, let folder):
      .tooMany(what, count: count, most: most, in: shown(folder))
    case .events(let error): .events(error.showing(shown))
    case .zoneOfOneDie(let path, let id, let dies, let hasRegisters):
      .zoneOfOneDie(path: shown(path), id, dies: dies, hasRegisters: hasRegisters)
    case .unknownVendor, .notAnnounced, .olderThanRAPL, .noRegisters, .capture, .register, .noUnits, .implausibleUnits,
      .zeroCounter, .stuckCounter, .hiddenPackage, .doubtfulCounters:
      self
    }
  }
}

/// What decides what to do about an error, beside the error itself.
package struct Circumstances: Sendable {
  /// The kinds of machines that can be looked at.
  package enum Place: Sendable { case ownMachine, folder, capture }

  let place: Place
  /// Whether it is a virtual machine; nil if that is unknown.
  let isVirtual: Bool?
  /// What separates this process from the machine.
  var isInContainer = false
  var isNamespaceRoot = false
  /// Whether this process has CAP_SYS_RAWIO, and whether the kernel is locked down; nil if that is unknown.
  var hasRawIO: Bool?
  var isLockedDown: Bool?
  /// The kernel's modules that have zones and events for this CPU; of one that is not known, what to try.
  var zoneModule = "intel_rapl_msr (or intel_rapl_tpmi on the newest servers)"
  var eventModule = "rapl (or intel_rapl_tpmi on the newest servers)"

  package init(_ place: Place = .ownMachine, isVirtual: Bool? = nil) {
    self.place = place
    self.isVirtual = isVirtual
  }

  /// The same for a CPU that is known.
  mutating func take(_ cpu: CPUIdentity) {
    let model = CPUModel(cpu)
    guard model.isKnown else { return }
    zoneModule = model.isByTPMI ? "intel_rapl_tpmi" : "intel_rapl_msr"
    eventModule = model.isByTPMI ? "intel_rapl_tpmi" : "rapl"
  }

  /// What to do: this on a physical machine, and something else in a virtual one.
  ///
  /// A container's host may be a virtual machine itself, so the advice never names a host.
  func onPhysicalMachine(_ remedy: String) -> String {
    switch isVirtual {
    case true?: "measure on the physical machine."
    case false?: remedy
    case nil: "in a virtual machine, measure on the physical machine; otherwise \(remedy)"
    }
  }
}

extension SourceError: CustomStringConvertible {
  /// What failed, why, and what to do.
  public var description: String { sentences(Circumstances()) }

  /// The same for a machine of which more is known.
  package func sentences(_ circumstances: Circumstances) -> String {
    reason + (remedy(circumstances).map { " To do: \($0)" } ?? "")
  }

  /// What failed, on what, and why.
  package var reason: String {
    switch self {
    case .unknownVendor(let cpu):
      "\(cpu): only Intel, AMD and Hygon CPUs are known to have energy registers."
    case .notAnnounced(let cpu):
      "\(cpu) does not announce RAPL (CPUID 80000007h EDX bit 14): it has no energy registers, or a virtual machine hides them."
    case .olderThanRAPL(let cpu):
      "\(cpu) cannot be measured: it is older than RAPL, which Intel introduced with Sandy Bridge and AMD with Zen."
    case .noRegisters(let cpu):
      "\(cpu) has no energy registers; it can only be measured with /sys/class/powercap or perf."
    case .unreadable(let path, let errno): "Cannot read \(path): \(Self.text(errno))."
    case .malformed(let path, let expected): "\(path) does not contain a \(expected)."
    case .capture(let error): "\(error)"
    case .cannotOpen(let path, let errno, let ownMachine): "Cannot open \(path): \(Self.reason(errno, ownMachine))."
    case .lockedDown(let path, let mode):
      "Cannot open \(path): the kernel is locked down (\(mode)), and then does not let even root read registers."
    case .missingNode(let path):
      "\(path) does not exist, although the kernel's msr module is loaded: this is a container, or its /dev is incomplete."
    case .notPassed(let path, let cpu):
      "CPU \(cpu) is online, but the service manager has not passed its register node, \(path)."
    case .noPowercap(let folder): "There are no energy zones in \(folder)."
    case .maskedPowercap(let folder): "The energy zones in \(folder) are broken links: a container hides them."
    case .hidden(let path, let container, _): "This container (\(container)) hides \(path)."
    case .namespaceRoot(let path):
      "Cannot open \(path): this process is root only in a user namespace, not on the machine."
    case .repeatedZone(let zones, let folder, let counter):
      "\(zones.joined(separator: " and ")) in \(folder) both claim to count \(counter), so it is unknown what each counts."
    case .energyFile(let path, EACCES): "Cannot read \(path): only root may read it."
    case .energyFile(let path, ENODEV): "Cannot read \(path): its package went offline."
    case .energyFile(let path, let errno): "Cannot read \(path): \(Self.text(errno))."
    case .ownTree(let path):
      "\(path) belongs to a powercap tree that pkg-watt-stat itself serves (pkg-watt-stat powercap, or with)."
    case .noEnergy(let path): "\(path) does not contain a plausible number of microjoules."
    case .tooMany(let what, let count, let most, let folder):
      "\(folder) has \(count) \(what), and this program measures at most \(most)."
    case .events(let error): error.reason
    case .register(.absent(let address, let cpu)):
      "Register \(hexadecimal(address)) of CPU \(cpu) cannot be read (EIO): the CPU does not have it, or a virtual machine hides it."
    case .register(.failed(let address, let cpu, EPERM)): RegisterError.forbidden(address, cpu) + "."
    case .register(let error): "\(error)"
    case .noUnits(let address): "The energy unit register \(hexadecimal(address)) reads 0, so there is no RAPL."
    case .implausibleUnits(let address, let joules):
      "The energy unit register \(hexadecimal(address)) gives \(Self.energy(joules)) for each count, which is "
        + "\(joules < 1 ? "less" : "more") than on any CPU."
    case .zeroCounter(let id): "The energy counter of \(id) reads 0."
    case .hiddenPackage(let contradiction):
      "\(contradiction): part of this machine is hidden, as in a container, and its power would be missing from the sum."
    case .zoneOfOneDie(let path, let id, let dies, _):
      "It is unknown whether \(path) counts all of \(id) or only one of its \(dies) dies, so power may be missing from the sum."
    case .doubtfulCounters(let one, let other):
      "The energy counters of \(one) and \(other) stay close to the same value, so they may be one counter that would be counted twice."
    case .stuckCounter(let id, let value):
      "The energy counter of \(id) does not move\(CounterProbe.orTooSeldom): it stays at \(value)."
    }
  }

  /// What to do about it: a command, or a sentence without its first capital letter; nil if the reason tells, or nothing helps.
  package func remedy(_ circumstances: Circumstances) -> String? {
    guard let remedy = ofMachine(circumstances) else { return nil }
    return circumstances.place == .capture && remedy.contains("sudo") ? "on the captured machine: \(remedy)" : remedy
  }

  private func ofMachine(_ circumstances: Circumstances) -> String? {
    let (isVirtual, isFolder) = (circumstances.isVirtual, circumstances.place == .folder)
    let isMalformed = if case .malformed = self { true } else { false }
    let unlessPassedOn =
      isVirtual == true ? "measure on the physical machine; or, if this hypervisor passes on the registers: " : ""
    switch self {
    case .capture, .register(.offline), .register(.notOpened), .register(.notCaptured), .register(.traceOver):
      return nil
    case .energyFile(_, ENODATA), .cannotOpen(_, ENODATA, _): return "capture the machine again, as root."
    case .tooMany:
      return isFolder
        ? "check that the folder of --root describes a real machine."
        : "report it as a bug of pkg-watt-stat, with the number of this machine's packages."
    case .events(let error): return error.remedy(circumstances)
    case .unknownVendor:
      return circumstances.onPhysicalMachine(
        "use a kernel that has energy zones (powercap) for this CPU, if there is one.")
    case .noRegisters:
      return circumstances.onPhysicalMachine("use powercap or perf, if the kernel has energy zones or events for it.")
    case .notAnnounced:
      return circumstances.onPhysicalMachine("update the firmware.")
    case .olderThanRAPL:
      return switch isVirtual {
      case true?: circumstances.onPhysicalMachine("")
      case false?: "use the power meter of the machine's board, if it has one."
      case nil: "if this is a virtual machine that only shows this model, measure on the physical machine."
      }
    case .unreadable, .malformed:
      return isFolder
        ? "check that the folder of --root has dev/cpu, sys/devices/system/cpu and proc/cpuinfo."
        : isMalformed ? "run it outside of a container, with the kernel's own /proc and /sys." : "mount /proc and /sys."
    case .cannotOpen(_, ENOENT, _) where isFolder, .noPowercap where isFolder:
      return "check that the folder of --root has dev/cpu/*/msr or sys/class/powercap."
    case .cannotOpen(_, ENOENT, _):
      return unlessPassedOn + "sudo modprobe msr (at every start: echo msr | sudo tee /etc/modules-load.d/msr.conf)"
    case .cannotOpen(_, EACCES, _): return "run as root (sudo), or let the installed service measure."
    case .cannotOpen(_, EPERM, _):
      switch (circumstances.hasRawIO, circumstances.isLockedDown) {
      case (false?, _): return "run as root (sudo), or with CAP_SYS_RAWIO."
      case (true?, false?): return Self.letThrough
      case (nil, false?): return "run as root (sudo) or with CAP_SYS_RAWIO, and outside of a container."
      default:
        return
          "run as root (sudo) or with CAP_SYS_RAWIO; outside of a container, and on a kernel without lockdown (Secure Boot off)."
      }
    case .register(.failed(_, _, EPERM)):
      switch circumstances.isLockedDown {
      case true?: return "measure with powercap or perf, or switch Secure Boot off in the firmware."
      case false?: return Self.letThrough
      case nil: return "run the service outside of a container, and on a kernel without lockdown (Secure Boot off)."
      }
    case .cannotOpen(_, ENXIO, _): return "bring a CPU of that package online."
    case .cannotOpen: return nil
    case .register(.failed): return nil
    case .register, .noUnits, .implausibleUnits, .zeroCounter, .stuckCounter, .energyFile(_, EIO):
      return circumstances.onPhysicalMachine("switch RAPL on in the firmware, or update it.")
    case .lockedDown: return "measure with powercap or perf, or switch Secure Boot off in the firmware."
    case .missingNode(let path):
      return unlessPassedOn
        + "run the service on the container's host, or give the container this node: --device \(path)"
    case .notPassed:
      return "if the CPU was added to the machine: sudo systemctl daemon-reload; then restart the service."
    case .noPowercap:
      return circumstances.onPhysicalMachine("sudo modprobe \(circumstances.zoneModule)")
    case .maskedPowercap: return "run the service on the container's host."
    case .hidden(_, _, let devices):
      return unlessPassedOn + "run the service on the container's host and share /run/pkg-watt-stat with the container"
        + (devices.map { "; or give the container \($0)" } ?? ".")
    case .namespaceRoot: return "run the service outside of the user namespace, as the machine's root."
    case .repeatedZone, .zoneOfOneDie(_, _, _, hasRegisters: true):
      return "measure the msr registers instead of powercap: sudo modprobe msr"
    case .zoneOfOneDie: return "run the service outside of a container, with a kernel that has a zone for each die."
    case .energyFile(_, EACCES): return "run as root (sudo), or let the installed service measure."
    case .energyFile(_, ENODEV): return "bring a CPU of that package online, and restart the service."
    case .energyFile: return "check that the kernel's module is loaded: sudo modprobe \(circumstances.zoneModule)"
    case .ownTree:
      return
        "unmount that tree (sudo systemctl stop pkg-watt-stat-powercap.service, if that has mounted it), or run this outside of it."
    case .noEnergy:
      return circumstances.onPhysicalMachine("update the kernel, or measure the msr registers.")
    case .hiddenPackage: return "run the service outside of a container, or give it all of /sys, /proc and /dev/cpu."
    case .doubtfulCounters:
      return circumstances.onPhysicalMachine(
        "try again in a minute: by then the counters of two packages are further apart.")
    }
  }

  /// Of a process that has the capability, on a kernel that is not locked down. Source: Linux security/device_cgroup.c, and
  /// arch/x86/kernel/msr.c, whose allow_writes is for writes only.
  private static let letThrough =
    "let this process use /dev/cpu: a control group (DeviceAllow= of its unit, or a container's) or a security module forbids it."

  private static func energy(_ joules: Double) -> String {
    joules >= 1 ? Numbers.fixed(joules, places: 0) + " J" : Numbers.plain(joules * 1e6, places: 5) + " uJ"
  }

  /// The system's text, or that of a capture that does not contain a file.
  private static func text(_ errno: Int32) -> String {
    errno == ENODATA ? "this capture does not contain it" : fileErrorText(errno)
  }

  private static func reason(_ errno: Int32, _ ownMachine: Bool) -> String {
    switch errno {
    case ENOENT where ownMachine: "it does not exist; the kernel's msr module is not loaded"
    case EACCES: "its permissions do not allow it"
    case EPERM: "the kernel does not allow it (EPERM)"
    case ENXIO: "the CPU is offline, or has no registers"
    default: text(errno)
    }
  }
}
