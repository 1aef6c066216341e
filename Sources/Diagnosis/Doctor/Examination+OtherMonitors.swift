internal import Glibc
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Finds what makes other monitors on this machine show wrong numbers, or leak secrets.
  mutating func lookAtOtherMonitors() {
    lookAtZoneNames()
    lookAtZonePermissions()
    lookAtEventPermissions()
    lookAtReaders()
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
      // The files of a tree of the service's own are for everyone.
      !machine.isOwnTree(file) && (try? machine.permissions(file)).map { $0.mode & 0o004 != 0 } ?? false
    }
    guard let first = open.first.map(machine.shown) else { return }
    let others = open.count == 1 ? "" : " and \(open.count - 1) more like it"
    warn(
      .monitors, "Every user may read \(first)\(others) at any rate, which leaks secrets (PLATYPUS, CVE-2020-8694).",
      fix:
        "sudo chmod o-r \(open.map(machine.shown).joined(separator: " "))\(openers), and start monitors that read it so: "
        + "pkg-watt-stat with -- COMMAND")
  }

  /// What opens zones again at each start of the machine.
  private var openers: String {
    let files = machine.answer("what opens energy_uj") {
      machine.isOwn ? ZoneOpeners.files().joined(separator: " ") : nil
    }
    guard let files, !files.isEmpty else { return "" }
    return ", remove the lines that open it at each start from \(files)"
  }

  /// The kernel's energy events are as fine as the counter.
  private mutating func lookAtEventPermissions() {
    let name = "kernel.perf_event_paranoid"
    guard machine.has("\(machine.root)/sys/bus/event_source/devices/power"),
      let text = try? machine.text("\(machine.root)/proc/sys/kernel/perf_event_paranoid"),
      // Source: Linux Documentation/admin-guide/sysctl/kernel.rst: from 1 on users may not open events of whole CPUs.
      let value = text.split(whereSeparator: \.isWhitespace).first.flatMap({ Int($0) }), value <= 0
    else { return }
    warn(
      .monitors,
      "Every user may read the kernel's energy events at any rate, because \(name) is \(value), which leaks secrets (PLATYPUS, "
        + "CVE-2020-8694).",
      fix:
        "sudo sysctl \(name)=2, remove the line that sets it from /etc/sysctl.d or /etc/sysctl.conf, and measure with "
        + "pkg-watt-stat run -- COMMAND instead of perf stat -e power/energy-pkg/")
  }

  /// Programs that show nothing to users who may not read powercap.
  private mutating func lookAtReaders() {
    let answer = machine.answer("programs that read powercap") {
      guard machine.isOwn, let path = unsafe getenv("PATH") else { return nil }
      return PowercapReaders.installed(in: unsafe String(cString: path)).joined(separator: " ")
    }
    let names = answer?.split(separator: " ") ?? []
    // Inside of such a tree they need nothing.
    guard let first = names.first, !isInOwnTree, !measuredBy.isEmpty else { return }
    ok(
      .monitors,
      "\(Self.list(names)) \(names.count == 1 ? "reads" : "read") powercap. To see the service's watts there without root: "
        + "pkg-watt-stat with -- \(first)")
  }

  /// "a, b and c".
  private static func list(_ words: [Substring]) -> String {
    guard let last = words.last, words.count > 1 else { return words.joined() }
    return "\(words.dropLast().joined(separator: ", ")) and \(last)"
  }

  /// Whether the kernel distinguishes several dies of a package.
  private var hasSeveralDies: Bool {
    let places = (try? machine.tree.places()) ?? []
    return Dictionary(grouping: places, by: \.package).values.contains { Set($0.map(\.die)).count > 1 }
  }
}
