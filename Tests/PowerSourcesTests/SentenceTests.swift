import Foundation
import PowerSources
import RAPL
import Testing

@Suite("Sentences of errors")
struct SentenceTests {
  private static let amd = CPUIdentity(vendor: .amd, family: 0x17, model: 0x31, name: "AMD EPYC-Rome Processor")
  private static let path = "/dev/cpu/3/msr"

  @Test(
    "of registers tell which register of which CPU, why, and what to do",
    arguments: [
      (.absent(address: 0x611, cpu: 3), ["0x611", "CPU 3", "EIO", "pkg-watt-stat doctor"]),
      (.absent(address: 0xC001_029B, cpu: 0), ["0xC001029B", "CPU 0"]),
      (.offline(cpu: 5), ["CPU 5", "offline", "ENXIO", "/sys/devices/system/cpu/cpu5/online"]),
      (
        .failed(address: 0x606, cpu: 1, errno: EPERM),
        ["0x606", "CPU 1", "EPERM", "lockdown", "security module", "doctor"]
      ),
      (.failed(address: 0x606, cpu: 1, errno: EBADF), ["0x606", "CPU 1", "Bad file descriptor"]),
      (.failed(address: 0x606, cpu: 1, errno: 9999), ["0x606", "CPU 1", "9999"]),
    ] as [(RegisterError, [String])])
  func registers(error: RegisterError, words: [String]) {
    let text = "\(error)"
    for word in words { #expect(text.contains(word), "\(text)") }
  }

  @Test(
    "of sources tell what failed, on what, why, and what to do",
    arguments: [
      (
        .unknownVendor(CPUIdentity(vendor: .other("CentaurHauls"), family: 6, model: 15)),
        ["CentaurHauls", "family 6h", "only Intel, AMD and Hygon"]
      ),
      (.unknownVendor(CPUIdentity(vendor: .other(""), family: 0, model: 0)), ["unknown CPU"]),
      (.notAnnounced(amd), ["AMD EPYC-Rome", "80000007h EDX bit 14", "virtual machine", "on the physical machine"]),
      (
        .olderThanRAPL(CPUIdentity(vendor: .intel, family: 6, model: 0x2F)),
        ["model 2Fh cannot be measured: it is older than RAPL", "Sandy Bridge", "on the physical machine"]
      ),
      (
        .noRegisters(CPUIdentity(vendor: .intel, family: 19, model: 1)),
        ["family 13h", "no energy registers", "/sys/class/powercap"]
      ),
      (.unreadable(path: "/r/proc/cpuinfo", errno: ENOENT), ["/r/proc/cpuinfo", "No such file"]),
      (.unreadable(path: "/r/proc/cpuinfo", errno: EACCES), ["/r/proc/cpuinfo", "Permission denied"]),
      (.malformed(path: "/r/online", expected: "list of CPUs"), ["/r/online", "list of CPUs"]),
      (.cannotOpen(path: path, errno: ENOENT, ownMachine: true), [path, "does not exist", "sudo modprobe msr"]),
      (.cannotOpen(path: path, errno: ENOENT, ownMachine: false), [path, "No such file"]),
      (
        .cannotOpen(path: path, errno: EACCES, ownMachine: true),
        [path, "permissions", "sudo", "or let the installed service measure."]
      ),
      (.cannotOpen(path: path, errno: EPERM, ownMachine: true), [path, "CAP_SYS_RAWIO", "container", "Secure Boot"]),
      (.cannotOpen(path: path, errno: ENXIO, ownMachine: true), [path, "offline"]),
      (
        .noPowercap("/r/sys/class/powercap"),
        ["/r/sys/class/powercap", "sudo modprobe intel_rapl_msr", "virtual machine"]
      ),
      (
        .zoneOfOneDie(path: "/p/intel-rapl:0", PackageID(package: 1), dies: 2, hasRegisters: true),
        ["/p/intel-rapl:0", "package 1", "one of its 2 dies", "missing from the sum", "sudo modprobe msr"]
      ),
      (
        .zoneOfOneDie(path: "/p/intel-rapl:0", PackageID(package: 1), dies: 3, hasRegisters: false),
        ["one of its 3 dies", "outside of a container"]
      ),
      (.maskedPowercap("/sys/class/powercap"), ["/sys/class/powercap", "broken links", "on the container's host"]),
      (
        .hidden(path: path, container: "Kubernetes", devices: "--device /dev/cpu/0/msr"),
        [path, "(Kubernetes) hides", "on the container's host", "--device /dev/cpu/0/msr"]
      ),
      (.namespaceRoot(path: path), [path, "root only in a user namespace", "outside of the user namespace"]),
      (
        .energyFile(path: "/z/energy_uj", errno: EACCES),
        ["/z/energy_uj", "only root may", "sudo", "or let the installed service measure."]
      ),
      (.energyFile(path: "/z/energy_uj", errno: ENODEV), ["/z/energy_uj", "went offline", "restart the service"]),
      (
        .energyFile(path: "/z/energy_uj", errno: EIO),
        ["/z/energy_uj", "Input/output error", "on the physical machine"]
      ),
      (.energyFile(path: "/z/energy_uj", errno: ENOENT), ["/z/energy_uj", "No such file", "intel_rapl_msr"]),
      (
        .register(.absent(address: 0x611, cpu: 3)),
        ["0x611", "CPU 3", "EIO", "virtual machine", "on the physical machine"]
      ),
      (
        .implausibleUnits(address: 0x606, joulesPerCount: 4.656612873077393e-10),
        ["0x606", " 0.00047 uJ ", "less than"]
      ),
      (.implausibleUnits(address: 0x606, joulesPerCount: 2147.483648), ["0x606", " 2147 J ", "more than"]),
      (.missingNode(path: path), [path, "module is loaded", "--device \(path)"]),
      (.noEnergy(path: "/z/energy_uj"), ["/z/energy_uj", "number of microjoules"]),
      (.ownTree(path: "/z/energy_uj"), ["/z/energy_uj", "pkg-watt-stat itself", "unmount"]),
      (.register(.offline(cpu: 2)), ["CPU 2 is offline"]),
      (.noUnits(address: 0xC001_0299), ["0xC0010299", "reads 0", "virtual machine", "on the physical machine"]),
      (.zeroCounter(PackageID(package: 1)), ["package 1", "reads 0", "virtual machine", "on the physical machine"]),
      (
        .stuckCounter(PackageID(package: 0, die: 1), value: 77),
        ["package 0 die 1", "does not move", "77", "virtual machine", "firmware"]
      ),
    ] as [(SourceError, [String])])
  func sources(error: SourceError, words: [String]) {
    let text = "\(error)"
    for word in words { #expect(text.contains(word), "\(text)") }
    #expect(!text.contains("\n") && text.count < 300)
  }

  @Test(
    "a package without a node is told apart from a machine without the module",
    arguments: [
      ([1: ENOENT], "does not exist, although the kernel's msr module is loaded"),
      ([0: ENOENT, 1: ENOENT], "is not loaded"),
      ([1: EPERM], "(EPERM)"), ([0: ENOENT], "does not exist, although the kernel's msr module is loaded"),
    ])
  func nodes(errors: [Int: Int32], says: String) {
    let packages = [0, 1].map { PackageCPUs(id: PackageID(package: $0), cpus: [$0]) }
    let error = SourceError.locked(packages, errors, path: { "/dev/cpu/\($0)/msr" }, ownMachine: true)
    let cpu = errors.keys.min() ?? 0
    #expect(error.map { "\($0)".contains(says) && "\($0)".contains("/dev/cpu/\(cpu)/msr") } == true)
    #expect(SourceError.locked(packages, [:], path: { "\($0)" }, ownMachine: true) == nil)
  }

  @Test("what is to be done about a captured machine is done there, and not in the capture")
  func captured() {
    let capture = Circumstances(.capture, isVirtual: false)
    let error = SourceError.cannotOpen(path: Self.path, errno: ENOENT, ownMachine: true)
    #expect(error.sentences(capture).contains("To do: on the captured machine: sudo modprobe msr"))
    let incomplete = SourceError.cannotOpen(path: Self.path, errno: ENODATA, ownMachine: true)
    #expect(
      incomplete.sentences(capture).hasSuffix(
        "this capture does not contain it. To do: capture the machine again, as root."))
  }

  @Test("a virtual machine is told to measure on the physical machine, and a real one is not")
  func virtual() {
    let cpu = CPUIdentity(vendor: .other("CentaurHauls"), family: 6, model: 15)
    for error in [
      .noUnits(address: 0x606), .register(.absent(address: 0x611, cpu: 0)), .unknownVendor(cpu), .noRegisters(cpu),
      .noPowercap("/sys/class/powercap"), .noEnergy(path: "/z"), .zeroCounter(PackageID(package: 0)),
      .events(.noEvents("/e")), .events(.malformed(path: "/e", expected: "Joules")), .events(.absent("/e")),
      .events(.noCPUs("/e")),
    ] as [SourceError] {
      #expect(error.sentences(Circumstances(isVirtual: true)).hasSuffix("To do: measure on the physical machine."))
      #expect(!error.sentences(Circumstances(isVirtual: false)).contains("on the physical machine"))
    }
  }

  @Test("a folder that stands for a machine is never told to load the machine's module")
  func otherMachine() {
    let error = SourceError.cannotOpen(path: Self.path, errno: ENOENT, ownMachine: false)
    #expect(!error.sentences(Circumstances(.folder)).contains("modprobe"))
  }

  @Test("a CPU without RAPL is the only cause, whatever hides the kernel's zones, which it has none of")
  func onlyCause() {
    let hidden = SourceError.hidden(
      path: "/sys/class/powercap", container: "Docker", devices: "--device /dev/cpu/0/msr")
    let cpu = CPUIdentity(vendor: .amd, family: 0x19, model: 1, name: "AMD EPYC")
    for cause in [SourceError.notAnnounced(cpu), .olderThanRAPL(cpu)] {
      let text = "\(NothingToMeasure(registers: cause, powercap: hidden, root: nil))"
      #expect(text.contains(cause.reason) && !text.contains("Docker") && !text.contains("--device"), "\(text)")
    }
  }

  @Test("that nothing can be measured are lines, the first of which says what failed and why")
  func lines() {
    let registers = SourceError.cannotOpen(path: Self.path, errno: ENOENT, ownMachine: true)
    let powercap = SourceError.noPowercap("/sys/class/powercap\u{1B}")
    let lines = "\(NothingToMeasure(registers: registers, powercap: powercap, root: nil))".split(separator: "\n")
    #expect(lines.allSatisfy { $0.count < 200 && !$0.contains("\u{1B}") }, "\(lines)")
    #expect(lines.first?.hasPrefix("Cannot measure ") == true && lines.first?.contains(registers.reason) == true)
    // One thing to do is enough: both would open the same counters.
    #expect(lines.count { $0.hasPrefix("  To do: ") } == 1 && lines.contains { $0.contains("Powercap") })
    #expect(lines.contains { $0.hasPrefix("  To do: ") && $0.contains("sudo modprobe msr") }, "\(lines)")
    #expect(lines.contains("To find out more: pkg-watt-stat doctor"))
    let alone = "\(NothingToMeasure(powercap: powercap, root: nil))"
    #expect(
      alone.hasSuffix("\nTo try the service with simulated watts: pkg-watt-stat serve --source simulated"), "\(alone)")
    let cpu = CPUIdentity(vendor: .other("CentaurHauls"), family: 6, model: 15)
    let closed = SourceError.energyFile(path: "/z/energy_uj", errno: EACCES)
    for registers in [SourceError.unknownVendor(cpu), .noRegisters(cpu)] {
      let text = "\(NothingToMeasure(registers: registers, powercap: closed, root: nil))"
      #expect(text.contains("sudo") && !text.contains("use powercap"), "\(text)")
    }
    let same = "\(NothingToMeasure(registers: registers, powercap: registers, root: nil))"
    #expect(same.components(separatedBy: registers.reason).count == 2, "\(same)")
  }
}
