internal import PowerSources
internal import RAPL

extension Examination {
  /// Examines packages, dies, and the CPUs through which their counters are read.
  mutating func lookAtPackages() {
    let tree = machine.tree
    let places: [CPUPlace]
    let offline: OfflineCPUs
    do {
      places = try tree.places()
      offline = try tree.offlineCPUs(besides: places)
    } catch {
      return obstruct(.topology, error)
    }
    packages = PackageCPUs.group(places, by: identity.flatMap { RegisterMap(vendor: $0.vendor) } ?? .intel)
    let each = packages.map { "\($0.id) (\(names(of: $0.cpus.sorted())))" }.joined(separator: ", ")
    // How many counters they have is not known yet.
    let what = packages.contains { $0.id.die != nil } ? "die" : "package"
    ok(.topology, "\(packages.count == 1 ? "One \(what)" : "\(packages.count) \(what)s"): \(each).")
    lookAtOfflineCPUs(offline)
    if let fast = cpus("cpu_core"), let slow = cpus("cpu_atom") {
      ok(.topology, "Performance cores (CPUs \(fast)) and efficiency cores (CPUs \(slow)) share the package's counter.")
    }
  }

  private mutating func lookAtOfflineCPUs(_ offline: OfflineCPUs) {
    if offline.cpus.isEmpty { return }
    if !offline.ofMissingPackages.isEmpty {
      return warn(
        .topology,
        "Offline: \(names(of: offline.cpus)). \(names(of: offline.ofMissingPackages)) belong to a package without any CPU online, "
          + "whose power is not in the sum.", fix: "bring one of them online, and restart the service.")
    }
    ok(
      .topology,
      "Offline: \(names(of: offline.cpus))\(offline.hasThreadsOff ? " (SMT is off)" : ""). Their packages are read through "
        + "other CPUs. A package without any CPU online is not measured.")
  }

  /// The CPUs of one kind of core. The kernel of a hybrid CPU shows each kind as a performance monitor of its own.
  private func cpus(_ kind: String) -> String? {
    (try? machine.text("\(machine.root)/sys/devices/\(kind)/cpus")).flatMap(CPUList.parse).map(CPUList.text)
  }
}

/// "CPU 1", or "CPUs 0-3,8".
func names(of cpus: [Int]) -> String {
  (cpus.count == 1 ? "CPU " : "CPUs ") + CPUList.text(cpus)
}
