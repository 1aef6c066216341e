internal import Formatting
internal import PowerSources
internal import RAPL
internal import SystemCalls

/// What the doctor has seen of a machine so far: each topic adds its findings, and what later ones build on.
struct Examination {
  let machine: Machine
  private(set) var findings: [Finding] = []
  /// Findings that matter only where nothing else can measure: failures then, warnings else.
  private var obstacles: Set<Int> = []

  var identity: CPUIdentity?
  /// Whether its model is from before RAPL, and its registers say nothing else.
  var isOlderThanRAPL = false
  /// Which hypervisor, or nil on real hardware.
  var hypervisor: String?
  /// Whose container, or nil outside of one.
  var container: String?
  var packages: [PackageCPUs] = []
  /// The registers, where each package has a node that can be opened.
  var registers: MachineRegisters?
  /// The powercap zones that can be read.
  var zones: [PowercapTree.Entry] = []
  /// Of counters that move in steps: when.
  var registerTimers: [PackageID: StepTimer] = [:]
  var zoneTimers: [PackageID: StepTimer] = [:]
  /// What measures this machine: "its msr registers", "powercap".
  var measuredBy: [String] = []

  init(_ machine: Machine) {
    self.machine = machine
  }

  /// Where the registers are, or nil where there are none.
  var map: RegisterMap? {
    guard let identity, !isOlderThanRAPL, CPUModel(identity).hasRegisters,
      let map = RegisterMap(vendor: identity.vendor)
    else { return nil }
    return map == .amd && !identity.announcesRAPL ? nil : map
  }

  /// Whether the CPU itself says that it has no energy registers. The kernel has no zones for it then.
  var announcesNoRAPL: Bool {
    guard let identity, RegisterMap(vendor: identity.vendor) == .amd else { return false }
    return !isOlderThanRAPL && !identity.announcesRAPL
  }

  /// All is well.
  mutating func ok(_ topic: Finding.Topic, _ text: String) {
    findings.append(Finding(level: .ok, topic: topic, text: text, fix: nil))
  }

  /// Something could be better.
  mutating func warn(_ topic: Finding.Topic, _ text: String, fix: String? = nil) {
    findings.append(Finding(level: .warning, topic: topic, text: text, fix: fix))
  }

  /// Something keeps one way of measuring from working.
  mutating func obstruct(_ topic: Finding.Topic, _ text: String, fix: String) {
    obstacles.insert(findings.count)
    findings.append(Finding(level: .failure, topic: topic, text: text, fix: fix))
  }

  /// What was said of the virtual machine, once it is known that it can be measured: not every hypervisor keeps its counters.
  mutating func correctVirtualMachine() {
    guard let hypervisor, !measuredBy.isEmpty,
      let index = findings.firstIndex(where: { $0.topic == .virtualMachine })
    else { return }
    let name = hypervisor == Hypervisor.unknown ? "" : " (\(hypervisor))"
    obstacles.remove(index)
    findings[index] = Finding(
      level: .ok, topic: .virtualMachine,
      text:
        "This is a virtual machine\(name) whose hypervisor gives it energy counters: they tell what the host says that it draws.",
      fix: nil)
  }

  /// An error's first part: the rest says what to do without knowing what the doctor knows.
  func told(_ error: SourceError) -> String {
    switch error {
    case .unreadable(let path, let errno): "Cannot read \(machine.shown(path)): \(errorText(errno))."
    case .malformed(let path, let expected): "\(machine.shown(path)) holds no \(expected)."
    case .register(.absent(let address, let cpu)):
      "Register \(hexadecimal(address)) of CPU \(cpu) faults (EIO): there is no RAPL behind it."
    default: "\(error)"
    }
  }

  /// What it all comes to.
  var report: DoctorReport {
    let findings = findings.enumerated().map { index, finding in
      var finding = finding
      if obstacles.contains(index) && !measuredBy.isEmpty { finding.level = .warning }
      return finding
    }
    return DoctorReport(findings: findings, measuredBy: measuredBy)
  }
}
