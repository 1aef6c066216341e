internal import CMSRShim
internal import Formatting
internal import RAPL

extension CounterSource {
  /// Finds out how the packages' counters move, all at the same time.
  ///
  /// - Parameter isSnapshot: whether each counter can show only two values.
  /// - Throws: an error if a counter does not move.
  static func probe(_ packages: inout [CounterMeter], isSnapshot: Bool) throws(SourceError) {
    let start = cmsr_monotonic_nanoseconds()
    var probes = [CounterProbe?](repeating: CounterProbe(start: start, isSnapshot: isSnapshot), count: packages.count)
    var poll = start
    while true {
      for index in packages.indices {
        guard var probe = probes[index] else { continue }
        let value = try packages[index].readUncounted()
        let movement = probe.take(value.value, at: value.monotonicNanoseconds)
        probes[index] = movement == nil ? probe : nil
        if let movement { try packages[index].take(movement) }
      }
      if probes.allSatisfy({ $0 == nil }) { return }
      poll = max(poll + CounterProbe.pause, cmsr_monotonic_nanoseconds())
      cmsr_sleep_until(poll)
    }
  }

  /// The time between steps of counters that move in steps, in nanoseconds; 0 if none does.
  static func period(_ packages: [CounterMeter]) -> Int64 {
    packages.compactMap { $0.course.stepped?.timer.period }.max() ?? 0
  }

  /// "1.02"
  static func seconds(_ nanoseconds: Int64) -> String { Numbers.fixed(Double(nanoseconds) / 1e9, places: 2) }

  /// The index of a package whose counter moves in steps, and that of a domain with it.
  ///
  /// A platform's counter may be in another part of the machine, but not in a hypervisor's.
  static func leader(of meter: CounterMeter, among packages: [CounterMeter]) -> Int? {
    packages.firstIndex { package in
      package.course.isStepping
        && (meter.package.die == nil
          ? package.package.package == meter.package.package : package.package == meter.package)
    }
  }

  /// If a package's counter has begun to move in steps, its domains are read as of them.
  mutating func followSteps() {
    let stepping = meters[..<packageCount].filter(\.course.isStepping)
    if stepping.isEmpty { return }
    if !isStepping {
      log(
        "The packages' counters now move only every \(Self.seconds(Self.period(stepping))) s, and a window lasts from one step to "
          + "another.")
    }
    isStepping = true
    let packages = Array(meters[..<packageCount])
    for index in packageCount..<meters.count where meters[index].leader == nil {
      if let leader = Self.leader(of: meters[index], among: packages) { meters[index].follow(leader) }
    }
    leaveOutCores(of: stepping.map(\.package), \.coresMayStep)
  }
}
