internal import Formatting
package import RAPL
internal import SystemCalls

/// The CPUs of the machine that are not online. The kernel does not tell which package they belong to.
package struct OfflineCPUs: Sendable, Equatable {
  /// Their numbers, ascending.
  package let cpus: [Int]
  /// Whether the kernel uses only one thread of each core, which explains them.
  package let hasThreadsOff: Bool
  /// Those that belong to another package than all CPUs that are online, as the NUMA nodes prove: the power of that package
  /// cannot be read.
  package let ofMissingPackages: [Int]
  /// Whether all threads of a core may be among them.
  var mayBeCores: Bool { !cpus.isEmpty && !hasThreadsOff }
}

extension OfflineCPUs: CustomStringConvertible {
  /// "2 CPUs were offline at the start", and what is known of them; empty if there are none.
  package var description: String {
    if cpus.isEmpty { return "" }
    let number = cpus.count == 1 ? "1 CPU was" : "\(cpus.count) CPUs were"
    let why = hasThreadsOff ? " (SMT is off)" : ""
    let missing = ofMissingPackages.isEmpty ? "" : ", including all CPUs of a package, which is not measured"
    return "\(number) offline at the start\(why)\(missing)"
  }
}

extension MachineTree {
  /// From this NUMA distance on, a node belongs to another package. Within one package (sub-NUMA clusters, AMD's NPS) it is 11 to
  /// 13; the usual value between packages in the ACPI specification is 20.
  private static let farDistance = 20

  /// The CPUs that are not online now.
  ///
  /// - Parameter places: the places of the CPUs that are online; nil if they are not known yet.
  /// - Throws: if the kernel's list of CPUs is not one.
  package func offlineCPUs(besides places: [CPUPlace]? = nil) throws(SourceError) -> OfflineCPUs {
    let folder = root + "/sys/devices/system/cpu"
    let present = try list(folder + "/present")
    // A container's list of online CPUs may not have all.
    let online = Set(try list(folder + "/online")).union((places ?? (try? self.places()) ?? []).map(\.cpu))
    let cpus = present.filter { !online.contains($0) }
    if online.isEmpty || cpus.isEmpty { return OfflineCPUs(cpus: [], hasThreadsOff: false, ofMissingPackages: []) }
    let control = (try? files.text(folder + "/smt/control")) ?? ""
    let known = Set(online.compactMap(node))
    return OfflineCPUs(
      cpus: cpus, hasThreadsOff: ["off", "forceoff"].contains(Substring(control).trimmed),
      ofMissingPackages: cpus.filter { cpu in node(of: cpu).map { !known.contains($0) && isFarFromAll($0) } ?? false })
  }

  /// A list of CPUs that is the only content of a file; empty if there is no file.
  ///
  /// - Throws: if the file has something else.
  func list(_ path: String) throws(SourceError) -> [Int] {
    guard let text = try? files.text(path) else { return [] }
    guard let cpus = CPUList.parse(text) else { throw .malformed(path: path, expected: "list of CPUs") }
    return cpus
  }

  /// The NUMA node of a CPU, online or not: its folder has a link to it.
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
