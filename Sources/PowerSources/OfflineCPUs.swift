package import RAPL
internal import SystemCalls

/// The CPUs that are in the machine, but not online. The kernel does not tell of which package they are.
package struct OfflineCPUs: Sendable, Equatable {
  /// Their numbers, ascending.
  package let cpus: [Int]
  /// Whether the kernel was told to use one thread of each core, which explains them.
  package let hasThreadsOff: Bool
  /// Those of which the NUMA nodes prove that they are another package's than all CPUs that are online: nobody can read what
  /// that package draws.
  package let ofMissingPackages: [Int]
  /// Whether a core may be among them, all of whose threads are offline.
  var mayBeCores: Bool { !cpus.isEmpty && !hasThreadsOff }
}

extension OfflineCPUs: CustomStringConvertible {
  /// "2 CPUs were offline at the start", and what is known of them; an empty text without any.
  package var description: String {
    if cpus.isEmpty { return "" }
    let number = cpus.count == 1 ? "1 CPU was" : "\(cpus.count) CPUs were"
    let why = hasThreadsOff ? " (SMT is off)" : ""
    let lack = ofMissingPackages.isEmpty ? "" : ", among them all of a package, which is not in the sum"
    return "\(number) offline at the start\(why)\(lack)"
  }
}

extension MachineTree {
  /// From this NUMA distance on, a node is another package's. Within one (sub-NUMA clusters, AMD's NPS) it is 11 to 13; the
  /// ACPI specification's usual value for all others is 20.
  private static let farDistance = 20

  /// The CPUs that are not online now.
  ///
  /// - Parameter places: where those that are online sit; nil if that is not known yet.
  package func offlineCPUs(besides places: [CPUPlace]? = nil) -> OfflineCPUs {
    let folder = root + "/sys/devices/system/cpu"
    let present = list(folder + "/present")
    // A container's list of those that are online may lack some that are.
    let online = Set(list(folder + "/online")).union((places ?? (try? self.places()) ?? []).map(\.cpu))
    let cpus = present.filter { !online.contains($0) }
    if online.isEmpty || cpus.isEmpty { return OfflineCPUs(cpus: [], hasThreadsOff: false, ofMissingPackages: []) }
    let control = (try? files.text(folder + "/smt/control")) ?? ""
    let known = Set(online.compactMap(node))
    return OfflineCPUs(
      cpus: cpus, hasThreadsOff: ["off", "forceoff"].contains(Substring(control).trimmed),
      ofMissingPackages: cpus.filter { cpu in node(of: cpu).map { !known.contains($0) && isFarFromAll($0) } ?? false })
  }

  /// A list of CPUs that is a file's only content; empty if there is none.
  func list(_ path: String) -> [Int] { (try? files.text(path)).flatMap(CPUList.parse) ?? [] }

  /// The NUMA node that a CPU is of, online or not: its folder leads there.
  private func node(of cpu: Int) -> Int? {
    let names = (try? files.names(in: "\(root)/sys/devices/system/cpu/cpu\(cpu)")) ?? []
    return names.lazy.compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }.first
  }

  private func isFarFromAll(_ node: Int) -> Bool {
    let text = (try? files.text("\(root)/sys/devices/system/node/node\(node)/distance")) ?? ""
    let distances = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.sorted()
    // The nearest is the node itself.
    return distances.count > 1 && distances[1] >= Self.farDistance
  }
}
