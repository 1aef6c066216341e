internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Finds what makes other monitors on this machine show wrong numbers, or leak secrets.
  mutating func lookAtOtherMonitors() {
    lookAtZoneNames()
    lookAtZonePermissions()
    guard let identity, !measuredBy.isEmpty else { return }
    if zones.contains(where: { $0.zone.domain == .psys }) {
      ok(.monitors, "psys includes the packages: monitors that add it to them count the packages twice.")
    }
    if RegisterMap(vendor: identity.vendor) == .amd, packages.contains(where: { $0.cpus.count > 1 }), hasSeveralDies {
      ok(.monitors, "Each die shows the package's counter again: monitors that add up dies count it several times.")
    }
  }

  private mutating func lookAtZoneNames() {
    guard !zones.isEmpty, let names = try? machine.names(in: "\(machine.root)/sys/class/powercap") else { return }
    let hasTwin = names.contains { $0.hasPrefix("intel-rapl-mmio:") } && names.contains { $0.hasPrefix("intel-rapl:") }
    guard hasTwin else { return }
    ok(
      .monitors,
      "Powercap shows a package twice (intel-rapl and intel-rapl-mmio): monitors that add up all zones count "
        + "it twice.")
  }

  private mutating func lookAtZonePermissions() {
    let open = zones.map { "\($0.folder)/energy_uj" }.filter { file in
      (try? machine.permissions(file)).map { $0.mode & 0o004 != 0 } ?? false
    }
    guard let first = open.first.map(machine.shown) else { return }
    let others = open.count == 1 ? "" : " and \(open.count - 1) more like it"
    warn(
      .monitors, "Every user may read \(first)\(others) at any rate, which leaks secrets (PLATYPUS, CVE-2020-8694).",
      fix: "sudo chmod o-r \(open.map(machine.shown).joined(separator: " ")), and let monitors use the service instead")
  }

  /// Whether the kernel distinguishes several dies of a package.
  private var hasSeveralDies: Bool {
    let places = (try? machine.tree.places()) ?? []
    return Dictionary(grouping: places, by: \.package).values.contains { Set($0.map(\.die)).count > 1 }
  }
}
