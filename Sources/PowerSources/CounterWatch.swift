public import RAPL
internal import Synchronization

/// Why a source has to be opened again: it no longer reads the machine's energy.
public enum MachineChange: Error, Equatable {
  /// A package came online that is not in the sum, or a die with a counter of its own.
  case newPackage(PackageID)
  /// A CPU came online whose register node was not passed to this process, which may not open any.
  case newCPU(Int)
  /// A powercap zone's file was replaced.
  case renewedZone(path: String)
  /// The kernel's energy events of a package stopped, and can be opened again.
  case stoppedEvents(PackageID)
  /// A package shows another one's counter, and both are in the sum.
  case repeatedCounter(PackageID, of: PackageID)
  /// The machine would now be refused: its lists contradict each other, or counters may be one.
  case refused(SourceError)

  /// Compares their sentences.
  public static func == (one: Self, other: Self) -> Bool { "\(one)" == "\(other)" }
}

extension MachineChange: CustomStringConvertible {
  /// What has changed, and what to do.
  public var description: String {
    switch self {
    case .newPackage(let id):
      "CPU \(id) came online after startup and is not being measured; restart the service to measure it."
    case .newCPU(let cpu):
      "CPU \(cpu) came online after startup, and the service manager has not passed its register node; restart the service to get it."
    case .renewedZone(let path):
      "\(path) was replaced, because its package was offline or the kernel's module was loaded again; restart the service to read "
        + "the new file."
    case .stoppedEvents(let id):
      "The kernel's energy events of \(id) stopped when its CPU went offline; restart the service to open them again."
    case .repeatedCounter(let id, let first):
      "Since CPUs came online or went offline, \(id) shows the same energy counter as \(first), so it is counted twice; restart the "
        + "service to count it once."
    case .refused(let error): "Since CPUs came online or went offline: \(error)"
    }
  }
}

/// Notices that the counters of an open source are no longer what they were at the start.
///
/// It reads through the files that the source has opened, so it needs no right that the service has given up. Each check reads
/// a small file, and for a zone its folder. The counters are compared once after each change of the online CPUs.
public final class CounterWatch: Sendable {
  /// How long a comparison may take, in nanoseconds: it runs on the server's thread.
  private static let patienceNanoseconds: Int64 = 100_000_000

  private struct State {
    var meters: [CounterMeter]
    var online: [UInt8]?
    /// Whether to check the lists the next time: by then all of them have been updated.
    var checksLists: Bool
  }

  private let tree: MachineTree
  private let online: OnlineList?
  /// How many more zones than packages there were at the start.
  private let moreZones: Int
  private let passed: PassedRegisters?
  private let state: Mutex<State>

  /// Watches the counters of a source.
  ///
  /// - Parameters:
  ///   - root: the root of the source.
  ///   - passed: the nodes through which it reads, if another process has opened them.
  /// - Returns: nil for a source that is not of this module.
  package init?(_ source: any EnergySource, root: String? = nil, through passed: PassedRegisters? = nil) {
    guard let source = source as? CounterSource, !source.isSimulated else { return nil }
    tree = MachineTree(root: root)
    let online = OnlineList(tree)
    self.online = online
    self.passed = passed
    moreZones = Self.lists(tree)?.moreZonesInAll ?? 0
    // A CPU may have come online while the source was opened.
    state = Mutex(State(meters: source.meters, online: online?.text(), checksLists: passed != nil))
  }

  /// The change, if there is one.
  public func change() -> MachineChange? {
    state.withLock { state in
      if let change = state.meters.lazy.compactMap(\.change).first { return change }
      guard let text = online?.text() else { return nil }
      if text == state.online {
        // The topology of a CPU may appear later than the CPU.
        guard state.checksLists, let lists = Self.lists(tree) else { return nil }
        state.checksLists = false
        return newCPU() ?? hiddenPackage(lists, state.meters)
      }
      state.online = text
      state.checksLists = true
      return newCPU() ?? Self.repeatedCounter(&state.meters)
    }
  }

  private func newCPU() -> MachineChange? {
    guard let passed, let places = try? tree.places() else { return nil }
    return passed.firstMissing(of: places.map(\.cpu)).map { .newCPU($0) }
  }

  private func hiddenPackage(_ lists: MachineLists, _ meters: [CounterMeter]) -> MachineChange? {
    // The kernel counts events for whole packages, as registers do.
    let isOfZones = meters.contains { $0.unit.source == .powercap }
    return (isOfZones ? lists.missingFromZones : lists.missingFromRegisters(besides: moreZones)).map { .refused($0) }
  }

  private static func lists(_ tree: MachineTree) -> MachineLists? {
    guard let identity = try? tree.identity(), let places = try? tree.places() else { return nil }
    return MachineLists(tree, places: places, identity: identity)
  }

  private static func repeatedCounter(_ meters: inout [CounterMeter]) -> MachineChange? {
    // Those that cannot be read now are not in any sum.
    var packages: [CounterMeter] = []
    for index in meters.indices where meters[index].domain == .package && meters[index].rawValue() != nil {
      packages.append(meters[index])
    }
    do {
      let repeated = try CounterIdentity.repeated(
        of: packages.map(\.package), packages.map { $0.compared(isSnapshot: false) },
        patienceNanoseconds: patienceNanoseconds, read: { packages[$0].rawValue() })
      return repeated.first.map { .repeatedCounter($0.package, of: $0.first) }
    } catch {
      // At the start there is more time. A counter that steps cannot show in this time that it is another.
      return packages.contains(where: \.course.isStepping) ? nil : .refused(error)
    }
  }
}
