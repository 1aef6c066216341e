internal import PowerSources
internal import RAPL

/// Why a machine's counters cannot be traced.
public enum TraceRefusal: Error, Equatable, CustomStringConvertible {
  /// This user is not root.
  case notRoot
  /// It is a captured machine.
  case captured
  /// None of its counters can be read.
  case noCounters
  /// The machine slept during the trace.
  case slept

  /// The reason, and what to do.
  public var description: String {
    switch self {
    case .notRoot:
      "Only root may use --trace, because fine energy readings can reveal what runs on the machine; run it as root (sudo)."
    case .captured:
      "--trace cannot record a captured machine; use --capture without --trace, which copies the capture and its trace."
    case .noCounters:
      "No energy counter of this machine can be read, so there is nothing to record; the doctor without --trace says why."
    case .slept: "The machine slept during the recording, so nothing was saved; try again."
    }
  }
}

extension Machine {
  /// Reads the machine's energy counters for this long, each of them thousands of times, and records them.
  ///
  /// It reads every die and every powercap zone, even if one shows another's counter: the trace shows which do.
  public func takeTrace(seconds: Double) throws(TraceRefusal) {
    let nanoseconds = Int64(clamping: seconds * 1e9)
    guard let trace = TraceRecorder.record(try traceSources(), nanoseconds: nanoseconds) else { throw .slept }
    remember(trace)
  }

  /// Makes sure that there is something to trace, before anybody stops work for it.
  public func prepareTrace() throws(TraceRefusal) { _ = try traceSources() }

  private func traceSources() throws(TraceRefusal) -> [TraceRecorder.Source] {
    guard replay == nil else { throw .captured }
    let sources = registerSources() + zoneSources()
    guard sources.contains(where: { if case .value = $0.read() { true } else { false } }) else { throw .noCounters }
    return sources
  }

  private func registerSources() -> [TraceRecorder.Source] {
    guard let identity = try? tree.identity(), let map = RegisterMap(vendor: identity.vendor),
      let places = try? tree.places()
    else { return [] }
    let registers = MachineRegisters(self, cpus: places.map(\.cpu))
    var sources: [TraceRecorder.Source] = []
    func add(_ domain: PowerDomain, cpus: [Int]) {
      guard let cpu = cpus.first(where: { registers.openErrors[$0] == nil }), let address = map.energy(of: domain)
      else {
        return
      }
      let register = Capture.Register(cpu: cpu, address: address)
      // AMD's core domain has a counter in each core.
      let pace: TraceRecorder.Pace = domain == .package ? .fast : map == .amd ? .slow : .steady
      sources.append(TraceRecorder.Source(.register(register), pace) { registers.reading(register) })
    }
    for die in PackageCPUs.group(places, by: .intel) {
      for domain in PowerDomain.allCases where map == .intel || domain == .package { add(domain, cpus: die.cpus) }
    }
    guard map == .amd else { return sources }
    for core in Dictionary(grouping: places, by: { [$0.package, $0.die, $0.core ?? -1 - $0.cpu] }).values {
      // The task of an isolated CPU must not be interrupted.
      add(.core, cpus: core.filter { !$0.isIsolated }.map(\.cpu))
    }
    return sources
  }

  private func zoneSources() -> [TraceRecorder.Source] {
    let folder = "\(root)/sys/class/powercap"
    let zones = ((try? names(in: folder)) ?? []).filter { zone in
      // No zone of the kernel has a blank in its name.
      zone.hasPrefix("intel-rapl") && zone.contains(":") && !zone.contains(where: \.isWhitespace)
    }
    return zones.sorted().map { zone in
      // "intel-rapl:0" is a package, "intel-rapl:0:1" is a part of it.
      let pace: TraceRecorder.Pace = zone.split(separator: ":").count == 2 ? .fast : .steady
      return TraceRecorder.Source(.zone(zone), pace) { [self] in energy(ofZone: "\(folder)/\(zone)/energy_uj") }
    }
  }
}

extension MachineRegisters {
  fileprivate func reading(_ register: Capture.Register) -> Trace.Reading {
    do {
      return .value(try read(register.address, cpu: register.cpu))
    } catch {
      return .failed(errno: Self.errno(error))
    }
  }
}
