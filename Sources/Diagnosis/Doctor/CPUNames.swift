internal import PowerSources

/// "CPU 1", or "CPUs 0-3,8".
func names(of cpus: [Int]) -> String {
  (cpus.count == 1 ? "CPU " : "CPUs ") + CPUList.text(cpus)
}
