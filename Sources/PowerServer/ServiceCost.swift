internal import CMSRShim
internal import PowerProtocol

extension SampleReport.Cost {
  /// What this process has cost so far.
  static var ofThisProcess: Self {
    let cost = cmsr_process_cost()
    return Self(cpuSeconds: Double(cost.cpu_microseconds) / 1e6, wakeups: Int(cost.voluntary_switches))
  }
}
