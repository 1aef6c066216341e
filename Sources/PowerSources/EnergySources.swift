internal import Glibc
public import RAPL

/// Told in one sentence what somebody who runs a source should know of it: something was left out, or has changed.
public typealias SourceLog = @Sendable (String) -> Void

/// Opens the sources of energy readings.
public enum EnergySources {
  /// The energy registers of this machine, or of the folder that stands for one.
  ///
  /// Opens every CPU's msr node read-only, reads the units, and makes sure that every package's counter moves: about three
  /// milliseconds on a machine where it does, two seconds in a virtual machine whose hypervisor computes it each second.
  ///
  /// - Parameters:
  ///   - root: a folder whose dev/cpu, sys/devices/system/cpu and proc/cpuinfo stand for the machine's own.
  ///   - domains: domains to read beyond the package, where the machine has them. AMD's core domain is the sum of one counter for each core.
  ///   - log: told what there is to know of the counters.
  /// - Throws: what keeps the machine from being measured.
  public static func msr(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    let tree = try MachineTree.open(root)
    let identity = try tree.identity()
    do { return try msr(tree, identity, domains, log) } catch { throw reason(error, identity, tree) }
  }

  private static func msr(
    _ tree: MachineTree, _ identity: CPUIdentity, _ domains: Set<PowerDomain>, _ log: @escaping SourceLog
  ) throws(SourceError) -> any EnergySource {
    guard let map = RegisterMap(vendor: identity.vendor) else { throw .unknownVendor(identity) }
    if map == .amd && !identity.announcesRAPL { throw .notAnnounced(identity) }
    guard CPUModel(identity).hasRegisters else { throw .noRegisters(identity) }
    let places = try tree.places()
    let packages = PackageCPUs.group(places, by: map)
    let devices = tree.registers(cpus: packages.flatMap(\.cpus))
    // A CPU that cannot be opened matters only where no other of its package can.
    for package in packages where package.cpus.allSatisfy({ devices.openErrors[$0] != nil }) {
      guard let cpu = package.cpus.first, let error = devices.openErrors[cpu] else { continue }
      throw .cannotOpen(path: tree.msrPath(cpu: cpu), errno: error, ownMachine: tree.isOwnMachine)
    }
    let lists = MachineLists(tree, places: places, identity: identity)
    if let lack = lists.lackOfRegisters { throw lack }
    let offline = tree.offlineCPUs(besides: places)
    var source = try CounterSource(
      registers: devices, packages: packages, identity: identity, map: map,
      domains: domains, isPartial: offline.mayBeCores, lacks: lacks(tree, offline), log: log,
      isSnapshot: tree.isSnapshot)
    source.isSimulated = tree.replay != nil
    return source
  }

  /// What is to be known of the sum: the CPUs of which nobody knows whether they are of a package that is measured, and
  /// that it is not this machine's.
  private static func lacks(_ tree: MachineTree, _ offline: OfflineCPUs) -> String {
    let replayed = tree.replay == nil ? "" : "; replayed from a capture, so not of now"
    return (offline.cpus.isEmpty ? "" : "; \(offline)") + replayed
  }

  /// The kernel's own reading of the energy counters: /sys/class/powercap/intel-rapl, in microjoules.
  ///
  /// Opens every energy_uj, and makes sure that every package's counter moves. A package that goes offline as a whole takes
  /// its files with it, and stays lost until the source is opened again.
  ///
  /// - Parameters:
  ///   - root: a folder whose sys/class/powercap and proc/cpuinfo stand for the machine's own.
  ///   - domains: domains to read beyond the package, where the machine has them. AMD's core zone, which is that of one
  ///     core, is not among them.
  ///   - log: told what there is to know of the counters.
  /// - Throws: what keeps the machine from being measured.
  public static func powercap(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(SourceError) -> any EnergySource {
    let tree = try MachineTree.open(root)
    let identity = try tree.identity()
    do throws(SourceError) {
      // Only for the bounds: without it they are higher.
      let places = (try? tree.places()) ?? []
      let packages = RegisterMap(vendor: identity.vendor).map { PackageCPUs.group(places, by: $0) } ?? []
      let lists = MachineLists(tree, places: places, identity: identity)
      // Without any, why there are none is to be told.
      _ = try PowercapTree(tree).entries(vendor: identity.vendor)
      if let lack = lists.lackOfZones { throw lack }
      var source = try CounterSource(
        powercap: tree, identity: identity, packages: packages, domains: domains,
        lacks: lacks(tree, tree.offlineCPUs(besides: places)), log: log)
      source.isSimulated = tree.replay != nil
      return source
    } catch {
      throw reason(error, identity, tree)
    }
  }

  /// What a failure comes from. On a CPU from before RAPL, nothing that anyone could load or permit would help. In a container
  /// nothing can be loaded, and root is told to become root in vain.
  private static func reason(_ error: SourceError, _ identity: CPUIdentity, _ tree: MachineTree) -> SourceError {
    if CPUModel(identity).standing == .olderThanRAPL { return .olderThanRAPL(identity) }
    let surroundings = Surroundings(root: tree.root, files: tree.files)
    let path: String
    switch error {
    case .cannotOpen(let node, EACCES, _), .cannotOpen(let node, EPERM, _), .energyFile(let node, EACCES),
      .energyFile(let node, EPERM):
      // Files there are another root's, or the driver asks for the machine's capability.
      if surroundings.isNamespaceRoot { return .namespaceRoot(path: node) }
      guard case .cannotOpen(_, EPERM, _) = error else { return error }
      path = node
    case .cannotOpen(let node, ENOENT, _): path = node
    case .noPowercap(let folder), .maskedPowercap(let folder): path = folder
    default: return error
    }
    guard let container = surroundings.container else { return error }
    let packages = RegisterMap(vendor: identity.vendor).map { PackageCPUs.group((try? tree.places()) ?? [], by: $0) }
    return .hidden(path: path, container: container, devices: Surroundings.devices(packages ?? []))
  }

  /// A simulated CPU of one package under a changing load. Its watts are invented.
  ///
  /// - Parameter domains: domains to read beyond the package.
  public static func simulated(domains: Set<PowerDomain> = []) throws(SourceError) -> any EnergySource {
    let identity = CPUIdentity(vendor: .intel, family: 6, model: 0x9E, name: "Simulated CPU")
    let cpu = SimulatedCPU(packages: [.desktop(seed: 1)])
    return try CounterSource(
      registers: cpu, packages: cpu.packages, identity: identity, map: .intel, domains: domains, isSimulated: true)
  }
}
