internal import Formatting
internal import Glibc
public import RAPL
internal import SystemCalls

/// Takes one sentence that the user of a source should know: something is not measured, or has changed.
public typealias SourceLog = @Sendable (String) -> Void

/// Opens the sources of energy readings.
public enum EnergySources {
  /// The energy registers of this machine, or of the folder that stands for one.
  ///
  /// Opens every CPU's msr node read-only, reads the units, and makes sure that every package's counter moves. This takes about
  /// three milliseconds, or two seconds in a virtual machine whose hypervisor updates the counters once a second.
  ///
  /// - Parameters:
  ///   - root: a folder whose dev/cpu, sys/devices/system/cpu and proc/cpuinfo are read instead of the machine's own.
  ///   - domains: domains to read beside the package, if the machine has them. AMD's core domain is the sum of one counter for each core.
  ///   - log: called with facts about the counters that the user should know.
  /// - Throws: the reason why the machine cannot be measured.
  public static func msr(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    try msr(root: root, domains: domains, through: nil, log: log)
  }

  /// The same through nodes that another process has opened; nil to open them here.
  package static func msr(
    root: String? = nil, domains: Set<PowerDomain> = [], through passed: PassedRegisters?,
    log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    var tree = try MachineTree.open(root)
    tree.passed = passed
    let identity = try tree.identity()
    do throws(SourceError) {
      guard let map = RegisterMap(vendor: identity.vendor) else { throw .unknownVendor(identity) }
      if map == .amd && !identity.announcesRAPL { throw .notAnnounced(identity) }
      guard CPUModel(identity).hasRegisters else { throw .noRegisters(identity) }
      let places = try tree.places()
      // Nothing else could open it later.
      if let cpu = passed?.firstMissing(of: places.map(\.cpu)) {
        throw .notPassed(path: tree.msrPath(cpu: cpu), cpu: cpu)
      }
      let packages = PackageCPUs.group(places, by: map)
      let devices = tree.registers(cpus: packages.flatMap(\.cpus))
      // A CPU that cannot be opened matters only if no other CPU of its package can.
      if let error = SourceError.locked(
        packages, devices.openErrors, path: tree.msrPath, ownMachine: tree.isMachine)
      {
        throw error
      }
      let lists = MachineLists(tree, places: places, identity: identity)
      if let error = lists.missingFromRegisters { throw error }
      let offline = try tree.offlineCPUs(besides: places)
      let source = try CounterSource(
        registers: devices, packages: packages, identity: identity, map: map,
        domains: domains, isPartial: offline.mayBeCores,
        note: (passed == nil ? "" : ", which the service manager has opened") + notes(tree, offline), log: log,
        isSnapshot: tree.isSnapshot)
      return try source.replayed(from: tree)
    } catch {
      throw cause(of: error, identity, tree)
    }
  }

  /// Notes on the sum: CPUs that are offline, so that their package is unknown, and a replayed capture.
  private static func notes(_ tree: MachineTree, _ offline: OfflineCPUs) -> String {
    let replayed = tree.replay == nil ? "" : "; replayed from a capture"
    return (offline.cpus.isEmpty ? "" : "; \(offline)") + replayed
  }

  /// The kernel's own reading of the energy counters: /sys/class/powercap/intel-rapl, in microjoules.
  ///
  /// Opens every energy_uj, and makes sure that every package's counter moves. A package that is offline, and whose zone is still
  /// there, is left out. When a package goes offline, its files disappear; it can be read again only after the source was opened
  /// again.
  ///
  /// - Parameters:
  ///   - root: a folder whose sys/class/powercap and proc/cpuinfo are read instead of the machine's own.
  ///   - domains: domains to read beside the package, if the machine has them. AMD's core zone is not among them, because it is
  ///     that of a single core.
  ///   - log: called with facts about the counters that the user should know.
  /// - Throws: the reason why the machine cannot be measured.
  public static func powercap(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    let tree = try MachineTree.open(root)
    let identity = try tree.identity()
    do throws(SourceError) {
      // Only for the bounds: without it they are higher. What is there must be right.
      let places: [CPUPlace]
      do throws(SourceError) { places = try tree.places() } catch .unreadable { places = [] }
      let packages = RegisterMap(vendor: identity.vendor).map { PackageCPUs.group(places, by: $0) } ?? []
      let lists = MachineLists(tree, places: places, identity: identity)
      let zones = try lists.powercap.get()
      if let error = lists.missingFromZones { throw error }
      for (zone, error) in zones.unclear where domains.contains(zone.domain) {
        log("The \(zone.domain) counter of \(zone.package) is not measured. \(cause(of: error, identity, tree).reason)")
      }
      let source = try CounterSource(
        powercap: tree, zones: zones.entries, identity: identity, packages: packages, domains: domains,
        note: zones.offline.map { "; \(PowercapTree.ofOfflinePackage($0))" }.joined()
          + notes(tree, try tree.offlineCPUs(besides: places)), log: log)
      return try source.replayed(from: tree)
    } catch {
      throw cause(of: error, identity, tree)
    }
  }

  /// The kernel's energy events: the PMU named `power` of perf.
  ///
  /// Opens them on one CPU of each package, which needs CAP_PERFMON, and makes sure that every package's counter moves. Once they
  /// are open no right is needed. If that CPU goes offline, the kernel moves its events to another one of the package. Events that
  /// have stopped, because a package was offline, can be read again only after the source was opened again.
  ///
  /// - Parameters:
  ///   - domains: domains to read beside the package, if there are events for them. AMD's core domain is not among them, because its
  ///     events are another PMU's, `power_core`.
  ///   - log: called with facts about the counters that the user should know.
  /// - Throws: the reason why the machine cannot be measured.
  public static func perf(
    domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    try perf(try MachineTree.open(nil), domains: domains, opener: KernelEvents(), log: log)
  }

  /// The same for any folder that describes a machine, and any events.
  static func perf(
    _ tree: MachineTree, domains: Set<PowerDomain>, opener: any EventOpener, log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    let identity = try tree.identity()
    do throws(SourceError) {
      guard let map = RegisterMap(vendor: identity.vendor) else { throw .unknownVendor(identity) }
      let pmu = try PowerPMU(root: tree.root, files: tree.files)
      let places = try tree.places()
      let lists = MachineLists(tree, places: places, identity: identity)
      let countsWholePackages = lists.isByTPMI
      let groups = try pmu.packages(places, map: map, countsWholePackages: countsWholePackages)
      if let error = lists.missingFromRegisters { throw error }
      let (root, files) = (tree.root, tree.files)
      var source = try CounterSource(
        events: pmu, of: groups, identity: identity, domains: domains, opener: opener,
        canCount: { id in
          guard let places = try? MachineTree(root: root, files: files).places(),
            let pmu = try? PowerPMU(root: root, files: files),
            let groups = try? pmu.packages(places, map: map, countsWholePackages: countsWholePackages)
          else { return false }
          return groups.contains { $0.package.id == id }
        },
        note: notes(tree, try tree.offlineCPUs(besides: places)), log: log)
      // Events tell no limits. If the kernel shows the same packages' zones too, these do.
      if let zones = try? lists.powercap.get().entries {
        source.limits = LimitsSource(zones: zones, of: groups.map(\.package), tree)
      }
      return source
    } catch {
      throw cause(of: error, identity, tree)
    }
  }

  /// The real cause of a failure, for the service and the doctor. On a CPU from before RAPL no module and no permission would help.
  /// In a container no module can be loaded, and the advice to become root is useless to root.
  package static func cause(of error: SourceError, _ identity: CPUIdentity, _ tree: MachineTree) -> SourceError {
    if CPUModel(identity).standing == .olderThanRAPL { return .olderThanRAPL(identity) }
    if lacksRAPL(identity), case .noPowercap = error { return .notAnnounced(identity) }
    if lacksRAPL(identity), case .maskedPowercap = error { return .notAnnounced(identity) }
    // On the captured machine the files had no folder before their paths.
    return cause(of: error, tree).showing { tree.replay == nil ? $0 : "/" + relativePath($0, to: tree.root) }
  }

  /// Whether the CPU says that it has no energy registers: then the kernel has no zones for it, whatever hides them.
  private static func lacksRAPL(_ identity: CPUIdentity) -> Bool {
    RegisterMap(vendor: identity.vendor) == .amd && !identity.announcesRAPL
  }

  private static func cause(of error: SourceError, _ tree: MachineTree) -> SourceError {
    let surroundings = Surroundings(root: tree.root, files: tree.files)
    let path: String
    switch error {
    case .cannotOpen(let node, EACCES, _), .cannotOpen(let node, EPERM, _), .energyFile(let node, EACCES),
      .energyFile(let node, EPERM):
      // Files there are another root's, or the driver asks for the machine's capability.
      if surroundings.isNamespaceRoot { return .namespaceRoot(path: node) }
      guard case .cannotOpen(_, EPERM, _) = error else { return error }
      path = node
    case .cannotOpen(let node, ENOENT, _), .missingNode(let node): path = node
    case .noPowercap(let folder), .maskedPowercap(let folder): path = folder
    default: return error
    }
    guard let container = surroundings.container else {
      if case .cannotOpen(_, EPERM, _) = error, surroundings.hasRawIO == true, let mode = surroundings.lockdown {
        return .lockedDown(path: path, mode: mode)
      }
      if case .cannotOpen(_, ENOENT, _) = error, tree.files.has(tree.root + "/sys/module/msr") {
        return .missingNode(path: path)
      }
      return error
    }
    return .hidden(path: path, container: container, devices: Surroundings.devices(tree))
  }

  /// A simulated CPU of one package under a changing load. Its watts are invented.
  ///
  /// - Parameter domains: domains to read beside the package.
  public static func simulated(domains: Set<PowerDomain> = []) throws(SourceError) -> any EnergySource {
    let identity = CPUIdentity(vendor: .intel, family: 6, model: 0x9E, name: "Simulated CPU")
    let cpu = SimulatedCPU(packages: [.desktop(seed: 1)])
    return try CounterSource(
      registers: cpu, packages: cpu.packages, identity: identity, map: .intel, domains: domains, isSimulated: true)
  }
}

extension CounterSource {
  /// This source, marked if it is replayed.
  ///
  /// - Throws: an error for a capture without a trace. Its counters move once and never again, so nothing can be measured with them,
  ///   although the machine itself could be measured.
  fileprivate consuming func replayed(from tree: MachineTree) throws(SourceError) -> Self {
    if tree.isSnapshot { throw .capture(.noTrace) }
    isSimulated = tree.replay != nil
    return self
  }
}

extension EnergySources {
  /// A way to the counters, by the name that the protocol has for it.
  public enum Door: String, Sendable, CaseIterable {
    /// The registers.
    case msr
    /// The kernel's energy events.
    case perf
    /// The kernel's own reading of the registers.
    case powercap
  }

  /// The first source that measures this machine, or the folder that stands for one: its registers, or else the kernel's energy
  /// events, or else powercap.
  ///
  /// Registers come first because nothing stands between them and the count: neither the kernel's own counting, which a reset or a
  /// missed wrap of a register misleads, nor a loss while it moves events to another CPU. Events come before powercap because one
  /// read gives all counters of a package, and because they need no right once they are open.
  ///
  /// - Parameters:
  ///   - root: as for the other sources. A folder has no events.
  ///   - domains: domains to read beside the package, if the machine has them.
  ///   - log: called with facts about the counters that the user should know.
  /// - Returns: the source, its door, and why those before it could not be used.
  public static func firstThatMeasures(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(NothingToMeasure) -> (source: any EnergySource, door: Door, closed: [Door: SourceError]) {
    try firstThatMeasures(root: root, domains: domains, opener: root == nil ? KernelEvents() : nil, log: log)
  }

  /// The same with any events, of a folder too; nil for none.
  static func firstThatMeasures(
    root: String?, domains: Set<PowerDomain>, opener: (any EventOpener)?, log: @escaping SourceLog
  ) throws(NothingToMeasure) -> (source: any EnergySource, door: Door, closed: [Door: SourceError]) {
    var closed: [Door: SourceError] = [:]
    for door in Door.allCases {
      if door == .perf, opener == nil { continue }
      do throws(SourceError) {
        let source =
          switch door {
          case .msr: try msr(root: root, domains: domains, log: log)
          case .perf:
            try perf(try MachineTree.open(root), domains: domains, opener: opener ?? KernelEvents(), log: log)
          case .powercap: try powercap(root: root, domains: domains, log: log)
          }
        return (source, door, closed)
      } catch {
        closed[door] = error
      }
    }
    throw NothingToMeasure(registers: closed[.msr], perf: closed[.perf], powercap: closed[.powercap], root: root)
  }

  /// Which door was taken instead of better ones, and why not those; nil for the best.
  ///
  /// - Parameter closed: why better doors cannot be used.
  public static func note(on door: Door, closed: [Door: SourceError]) -> String? {
    guard let error = closed[.msr] else { return nil }
    let perf = closed[.perf].map { " Perf cannot be used either. \($0.reason)" } ?? ""
    return "Measuring with \(door.rawValue) instead of the msr registers. \(error.reason)\(perf)".harmless
  }
}

/// The sources that were tried cannot measure this machine. Simulated watts never replace measured ones silently.
public struct NothingToMeasure: Error, CustomStringConvertible {
  /// Why the registers cannot be used; nil if they were not tried.
  public let registers: SourceError?
  /// Why the kernel's energy events cannot be used; nil if they were not tried.
  public let perf: SourceError?
  /// Why powercap cannot be used; nil if it was not tried.
  public let powercap: SourceError?
  private let root: String?

  /// - Parameter root: the folder that was looked at; nil for the machine itself.
  public init(
    registers: SourceError? = nil, perf: SourceError? = nil, powercap: SourceError? = nil, root: String?
  ) {
    self.registers = registers
    self.perf = perf
    self.powercap = powercap
    self.root = root
  }

  /// What failed and why, and what to do: a line for each, the first of which can stand alone.
  public var description: String {
    let causes = causes
    var lines = causes.enumerated().map { index, cause in
      (index == 0 ? "Cannot measure the power of this machine." : "\(cause.door) cannot be used either.")
        + " \(cause.error.reason)"
    }
    if let remedy = remedy(for: causes.map(\.error)) { lines.append("  To do: \(remedy)") }
    lines.append("To find out more: pkg-watt-stat doctor" + (root.map { " --root \(shellWord($0))" } ?? ""))
    lines.append("To try the service with simulated watts: pkg-watt-stat serve --source simulated")
    // The texts may contain paths and names from outside.
    return lines.map(\.harmless).joined(separator: "\n")
  }

  /// What keeps each source from measuring. What they have in common is there once.
  private var causes: [(door: String, error: SourceError)] {
    // That the kernel counts no energy adds nothing.
    let perf =
      if case .events(let error)? = perf, error.isAbsence, registers != nil { nil as SourceError? } else { perf }
    let errors = [("Registers", registers), ("Perf", perf), ("Powercap", isOfNoUse ? nil : powercap)]
    var causes: [(door: String, error: SourceError)] = []
    for case (let door, let error?) in errors where !causes.contains(where: { $0.error.reason == error.reason }) {
      causes.append((door, error))
    }
    return causes
  }

  /// One thing to do, although several might help: that which opens the best door that can be opened. Powercap's comes before perf's,
  /// because the service's unit needs no drop-in for it.
  private func remedy(for errors: [SourceError]) -> String? {
    let circumstances = Circumstances(of: root)
    let ordered =
      errors.filter { !$0.isLastResort && !$0.isOfEvents } + errors.filter { !$0.isLastResort && $0.isOfEvents }
    return (ordered + errors).lazy.compactMap { $0.remedy(circumstances) }.first
  }

  /// Whether powercap's error adds nothing: it has the same cause, or the kernel has no zones for a CPU without registers.
  private var isOfNoUse: Bool {
    switch (registers, powercap) {
    case (.notAnnounced, .noPowercap), (.olderThanRAPL, .noPowercap), (.unknownVendor, .noPowercap),
      (.notAnnounced, .hidden), (.olderThanRAPL, .hidden), (.hidden, .hidden), (.namespaceRoot, .namespaceRoot),
      (.namespaceRoot, .noPowercap), (.capture, _):
      true
    default: false
    }
  }
}

extension SourceError {
  /// Whether its remedy is to use another door.
  fileprivate var isLastResort: Bool {
    switch self {
    case .noRegisters, .unknownVendor, .lockedDown: true
    default: false
    }
  }

  fileprivate var isOfEvents: Bool { if case .events = self { true } else { false } }
}

extension Circumstances {
  /// Those of this machine, or of the one that a folder stands for.
  package init(of root: String?) {
    guard let tree = try? MachineTree.open(root) else {
      self.init(.folder)
      return
    }
    self.init(of: tree, isVirtual: Surroundings(root: tree.root, files: tree.files).isVirtual)
  }

  /// Those of a machine of which it is known whether it is virtual.
  package init(of tree: MachineTree, isVirtual: Bool?) {
    self.init(tree.isOwnMachine ? .ownMachine : tree.replay == nil ? .folder : .capture, isVirtual: isVirtual)
    let surroundings = Surroundings(root: tree.root, files: tree.files)
    (isInContainer, isNamespaceRoot) = (surroundings.container != nil, surroundings.isNamespaceRoot)
    (hasRawIO, isLockedDown) = (surroundings.hasRawIO, surroundings.isLockedDown)
    if let cpu = try? tree.identity() { take(cpu) }
  }
}
