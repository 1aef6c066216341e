internal import Formatting
internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

/// What the doctor has found out about a machine so far. Each topic adds findings, and facts that later topics use.
struct Examination {
  let machine: Machine
  private(set) var findings: [Finding] = []
  /// The findings that are failures if nothing else can measure, and warnings otherwise.
  private var obstacles: Set<Int> = []
  private let tell: (Finding) -> Void
  private var told = 0
  /// Whether it is known what measures this machine, if anything does.
  private var isSettled = false

  var identity: CPUIdentity?
  /// Whether its model is from before RAPL, and its registers do not show otherwise.
  var isOlderThanRAPL = false
  /// The hypervisor's name; nil on real hardware.
  var hypervisor: String?
  /// What gives this process the rights that it lacks; nil if it lacks none.
  var rightsFix: String?
  /// The container's kind; nil outside of a container.
  var container: String?
  var packages: [PackageCPUs] = []
  /// The registers, if each package has a node that can be opened.
  var registers: MachineRegisters?
  /// The powercap zones that can be read.
  var zones: [PowercapTree.Entry] = []
  /// Of counters that move in steps: when.
  var registerTimers: [PackageID: StepTimer] = [:]
  var zoneTimers: [PackageID: StepTimer] = [:]
  /// The packages whose psys register moves, and the psys zones that do.
  var platforms: [PackageID] = []
  var platformZones: [PowercapTree.Entry] = []
  /// What measures this machine: "its msr registers", "powercap".
  var measuredBy: [String] = []

  /// - Parameter tell: gets each finding, in order, as soon as it is certain.
  init(_ machine: Machine, tell: @escaping (Finding) -> Void) {
    self.machine = machine
    self.tell = tell
  }

  /// The addresses of the registers; nil if there are none.
  var map: RegisterMap? {
    guard let identity, !isOlderThanRAPL, CPUModel(identity).hasRegisters,
      let map = RegisterMap(vendor: identity.vendor)
    else { return nil }
    return map == .amd && !identity.announcesRAPL ? nil : map
  }

  /// Whether the CPU itself says that it has no energy registers. The kernel then has no zones for it.
  var announcesNoRAPL: Bool {
    guard let identity, RegisterMap(vendor: identity.vendor) == .amd else { return false }
    return !isOlderThanRAPL && !identity.announcesRAPL
  }

  /// Adds a finding that all is well.
  mutating func ok(_ topic: Finding.Topic, _ text: String) {
    add(Finding(level: .ok, topic: topic, text: text, fix: nil))
  }

  /// Adds a finding that does not matter on this machine.
  mutating func skip(_ topic: Finding.Topic, _ text: String) {
    add(Finding(level: .skipped, topic: topic, text: text, fix: nil))
  }

  /// Adds a finding that something could be better.
  mutating func warn(_ topic: Finding.Topic, _ text: String, fix: String? = nil) {
    add(Finding(level: .warning, topic: topic, text: text, fix: fix))
  }

  /// Adds a finding that keeps one way of measuring from working.
  mutating func obstruct(_ topic: Finding.Topic, _ text: String, fix: String?) {
    obstacles.insert(findings.count)
    add(Finding(level: .failure, topic: topic, text: text, fix: fix))
  }

  private mutating func add(_ finding: Finding) {
    findings.append(finding)
    tellCertain()
  }

  /// A failure may still turn out to be a warning, so it holds back what follows, because findings are told in order.
  private mutating func tellCertain() {
    while told < findings.count, isSettled || !obstacles.contains(told) {
      // What is to be done once is said once. An earlier fix may have been taken back until now.
      let fix = findings[told].fix
      findings[told].repeatsFix = fix != nil && findings[..<told].contains { $0.fix == fix }
      tell(findings[told])
      told += 1
    }
  }

  /// Adds a finding with the words that the service has for it.
  mutating func obstruct(_ topic: Finding.Topic, _ error: SourceError) {
    let error = identity.map { EnergySources.cause(of: error, $0, machine.tree) } ?? error.showing(machine.shown)
    obstruct(topic, error.reason, fix: fix(error))
  }

  /// What to do about an error. If this process lacks rights, that has been said already, and is the only cause.
  func fix(_ error: SourceError) -> String? {
    switch error {
    case .cannotOpen(_, EPERM, _), .namespaceRoot: rightsFix ?? error.remedy(circumstances)
    case .cannotOpen(_, EACCES, _), .energyFile(_, EACCES), .events(.cannotOpen(_, _, EACCES)):
      (isRoot == false ? rightsFix : nil) ?? error.remedy(circumstances)
    default: error.remedy(circumstances)
    }
  }

  /// What decides what to do about an error.
  var circumstances: Circumstances {
    Circumstances(of: machine.tree, isVirtual: identity == nil ? nil : hypervisor != nil)
  }

  /// It is known now what measures this machine: with something that does, no obstacle is a failure.
  mutating func settle() {
    isSettled = true
    if !measuredBy.isEmpty {
      for index in obstacles { findings[index].level = .warning }
      takeBackAdvice()
      correctVirtualMachine()
    }
    tellCertain()
  }

  /// A CPU that is measured although its vendor is unknown needs no other kernel.
  private mutating func takeBackAdvice() {
    guard let identity, RegisterMap(vendor: identity.vendor) == nil else { return }
    for index in obstacles where findings[index].topic == .cpu { findings[index].fix = nil }
  }

  /// Corrects the finding on the virtual machine, which can be measured: some hypervisors pass on counters.
  private mutating func correctVirtualMachine() {
    guard let virtualMachine, let index = findings.firstIndex(where: { $0.topic == .virtualMachine }) else { return }
    findings[index] = Finding(
      level: .ok, topic: .virtualMachine,
      text:
        "\(virtualMachine) Its hypervisor gives it energy counters, which hold the host's estimate of its power.",
      fix: nil)
  }

  /// The report of all findings.
  var report: DoctorReport { DoctorReport(findings: findings, measuredBy: measuredBy) }
}
