/// A physical core, and the CPUs that are its threads: on AMD they share its energy counter.
public struct PhysicalCore: Sendable, Equatable {
  /// No core of AMD or Hygon has more threads: more CPUs with the same numbers are several cores.
  private static let mostThreads = 2

  /// Its CPUs, ascending, isolated ones last.
  public let cpus: [Int]
  /// Its die, and its number in the die; nil if the kernel does not tell.
  public internal(set) var place: [Int]?
  /// Whether all of them are kept free for one task, so that it must not be interrupted.
  public internal(set) var isIsolated = false

  /// Whether both are the same core: they share a CPU, or have the same place.
  public func isSame(as other: Self) -> Bool {
    cpus.contains(where: other.cpus.contains) || place != nil && place == other.place
  }

  /// The cores of a package.
  ///
  /// - Parameter places: its CPUs.
  /// - Returns: nil if the kernel does not tell, or contradicts itself: each counter must be read exactly once.
  public static func group(_ places: [CPUPlace]) -> [Self]? {
    let online = Set(places.map(\.cpu))
    func group(_ key: (CPUPlace) -> [Int]) -> [Self] {
      Dictionary(grouping: places, by: key).values.map { threads in
        let first = threads[0]
        return Self(cpus: threads.map(\.cpu).sorted(), place: first.core.map { [first.die, $0] })
      }.sorted { $0.cpus[0] < $1.cpus[0] }
    }
    let byNumber = places.allSatisfy { $0.core != nil } ? group { [$0.die, $0.core ?? 0] } : nil
    var byThreads: [Self]?
    if places.allSatisfy({ !$0.threads.isEmpty }) {
      let threads = Dictionary(places.map { ($0.cpu, $0.threads.filter(online.contains).sorted()) }) { first, _ in first
      }
      byThreads = group { threads[$0.cpu] ?? [] }
      // What one CPU says of another must agree with the other.
      guard byThreads?.allSatisfy({ core in core.cpus.allSatisfy { threads[$0] == core.cpus } }) ?? true else {
        return nil
      }
    }
    if let byNumber, let byThreads, byNumber.map(\.cpus) != byThreads.map(\.cpus) { return nil }
    guard let cores = byNumber ?? byThreads, cores.allSatisfy({ $0.cpus.count <= mostThreads }) else { return nil }
    return cores.map { core in
      let threads = places.filter { core.cpus.contains($0.cpu) }
      return Self(cpus: PackageCPUs.order(threads), place: core.place, isIsolated: threads.allSatisfy(\.isIsolated))
    }
  }
}
