internal import CMSRShim
internal import PowerSources
internal import RAPL

extension Machine {
  /// How a counter moves, by the same probe as in the service. It takes a few milliseconds, or seconds if the counter stands still or steps.
  func movement<Failure: Error>(_ read: () throws(Failure) -> UInt64) throws(Failure) -> CounterProbe.Movement {
    var poll = cmsr_monotonic_nanoseconds()
    var probe = CounterProbe(start: poll, isSnapshot: replay != nil && trace == nil)
    while true {
      let before = cmsr_monotonic_nanoseconds()
      let value = try read()
      let now = cmsr_monotonic_nanoseconds()
      if let movement = probe.take(value, at: before + (now - before) / 2) { return movement }
      poll = max(poll + CounterProbe.pause, now)
      cmsr_sleep_until(poll)
    }
  }
}

extension Examination {
  /// "every 1.02 s (...), so windows last from step to step", for a counter that moves in steps.
  func steps(_ timer: StepTimer) -> String {
    let seconds = fixed(Double(timer.period) / 1e9, places: 2)
    let whose =
      hypervisor == nil
      ? ""
      : " (the hypervisor computes it: the host's estimate of this virtual machine's power)"
    return "every \(seconds) s\(whose); a window lasts from one step to another"
  }
}
