extension Examination {
  private static let dropIn = "/usr/share/pkg-watt-stat/perf.conf"
  private static let folder = "/etc/systemd/system/pkg-watt-stat.service.d"
  /// From this level of kernel.perf_event_paranoid on, which Debian's kernels have, CAP_PERFMON is not enough.
  private static let debiansLevel = 3

  /// What root measures, the installed service may not: its unit does not let it open the kernel's events.
  mutating func lookAtUnit() {
    guard measuredBy == ["perf"], isRoot == true, machine.has(machine.root + Self.dropIn),
      !machine.has("\(machine.root)\(Self.folder)/perf.conf")
    else { return }
    let level = (try? machine.text("\(machine.root)/proc/sys/kernel/perf_event_paranoid")).flatMap {
      Int($0.split(whereSeparator: \.isWhitespace).first ?? "")
    }
    let sysctl =
      (level ?? 0) < Self.debiansLevel
      ? "" : " && echo kernel.perf_event_paranoid=2 | sudo tee /etc/sysctl.d/60-perf.conf && sudo sysctl --system"
    warn(
      .perf, "Only perf measures this machine, and the installed service's unit may not open its events.",
      fix:
        "sudo mkdir -p \(Self.folder) && sudo cp \(Self.dropIn) \(Self.folder)/\(sysctl) && sudo systemctl daemon-reload && "
        + "sudo systemctl restart pkg-watt-stat.service")
  }
}
