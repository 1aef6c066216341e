public import RAPL
internal import Synchronization

/// Why a source has to be opened anew: what it reads is no longer the machine's energy.
public enum MachineChange: Error, Equatable {
  /// A package, or a die with a counter of its own, has come that is not in the sum.
  case newPackage(PackageID)
  /// A powercap zone's file has gone, and there is another one in its place.
  case renewedZone(path: String)
  /// A package shows another one's counter, and both are in the sum.
  case repeatedCounter(PackageID, of: PackageID)
  /// The machine would be refused by now: its lists contradict each other, or counters may be one.
  case refused(SourceError)

  /// By what they say.
  public static func == (one: Self, other: Self) -> Bool { "\(one)" == "\(other)" }
}

extension MachineChange: CustomStringConvertible {
  /// What has changed, and what to do.
  public var description: String {
    switch self {
    case .newPackage(let id):
      "There is a new package (\(id)), which came online after the start and is not in the sum; start again to measure it too."
    case .renewedZone(let path):
      "\(path) is another file than at the start, because its package was offline or the kernel's module was loaded again; "
        + "start again to read it."
    case .repeatedCounter(let id, let first):
      "\(id) shows the energy counter of \(first) since CPUs have come or gone, so it is in the sum twice; start again to "
        + "measure it once."
    case .refused(let lack): "Since CPUs have come or gone: \(lack)"
    }
  }
}

/// Notices that the counters of a source that is open are no longer what they were at the start.
///
/// It reads through what the source has opened, so that it needs no right that a service gives up. Asking costs a read of a
/// small file, and of a zone the look at its folder; the counters are read once after each change of the CPUs that are online.
public final class CounterWatch: Sendable {
  /// How long a look may take, in nanoseconds: it is the server's thread that looks.
  private static let patienceNanoseconds: Int64 = 100_000_000

  private struct State {
    var meters: [CounterMeter]
    var online: [UInt8]?
    /// Whether the lists are looked at the next time: until then all of them have followed.
    var checksLists = false
  }

  private let tree: MachineTree
  private let online: OnlineList?
  /// How many more zones than packages there were at the start.
  private let moreZones: Int
  private let state: Mutex<State>

  /// Watches the counters of a source.
  ///
  /// - Parameter root: that of the source.
  /// - Returns: nil for a source that is not of this module.
  public init?(_ source: any EnergySource, root: String? = nil) {
    guard let source = source as? CounterSource, !source.isSimulated else { return nil }
    tree = MachineTree(root: root)
    let online = OnlineList(tree)
    self.online = online
    moreZones = Self.lists(tree)?.moreZones ?? 0
    state = Mutex(State(meters: source.counters, online: online?.text()))
  }

  /// What has changed, if something has.
  public func change() -> MachineChange? {
    state.withLock { state in
      if let path = state.meters.lazy.compactMap(\.replacedPath).first { return .renewedZone(path: path) }
      guard let text = online?.text() else { return nil }
      if text == state.online {
        defer { state.checksLists = false }
        return state.checksLists ? hiddenPackage(isOfRegisters: state.meters.contains(where: \.isRegister)) : nil
      }
      state.online = text
      state.checksLists = true
      return Self.repeatedCounter(&state.meters)
    }
  }

  private func hiddenPackage(isOfRegisters: Bool) -> MachineChange? {
    guard let lists = Self.lists(tree) else { return nil }
    return (isOfRegisters ? lists.lackOfRegisters(besides: moreZones) : lists.lackOfZones).map { .refused($0) }
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
      // At the start there is more time to tell. One that steps cannot show in this time that it is another.
      return packages.contains(where: \.course.isStepping) ? nil : .refused(error)
    }
  }
}
