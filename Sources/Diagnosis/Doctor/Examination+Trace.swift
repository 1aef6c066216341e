internal import Formatting
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Reports what a trace shows of the packages' counters: how often and how evenly they move, and what they have counted.
  mutating func lookAtTrace() {
    guard let trace = machine.trace else {
      if machine.replay != nil, !measuredBy.isEmpty { ok(.trace, "\(CaptureError.noTrace)") }
      return
    }
    let counters = trace.tracks.count == 1 ? "1 counter" : "\(trace.tracks.count) counters"
    ok(.trace, "There are readings of \(counters) over \(Numbers.fixed(trace.seconds, places: 1)) s.")
    for track in trace.tracks {
      guard let counter = package(track.counter) else { continue }
      guard let rhythm = Rhythm(track, energyCounter(counter.unit, range: counter.range), range: counter.range) else {
        ok(.trace, "\(counter.name) \(Self.lackOfRhythm(track)).")
        continue
      }
      let watts = counter.unit.map { unit in
        ", on average \(rhythm.isLowerBound ? "at least " : "")"
          + "\(Numbers.fixed(unit.joules(rhythm.counts) / rhythm.seconds, places: 2)) W"
      }
      ok(.trace, "\(counter.name) moves every \(rhythm)\(watts ?? "").")
    }
  }

  /// What there is to say of a counter that moved less than twice.
  private static func lackOfRhythm(_ track: Trace.Track) -> String {
    var values = Set<UInt64>()
    var errors = Set<Int32>()
    for run in track.runs {
      switch run.reading {
      case .value(let value): values.insert(value)
      case .failed(let errno): errors.insert(errno)
      }
    }
    switch values.count {
    case 0: return "cannot be read: \(errors.sorted().map(errorText).joined(separator: ", "))"
    case 1: return "does not move in that time"
    default: return "moves less than twice in that time"
    }
  }

  /// A package's counter: nil for a unit that nobody knows.
  private typealias PackageCounter = (name: String, unit: EnergyUnit?, range: UInt64)

  /// A counter of a package or die; nil for any other.
  private func package(_ counter: Trace.Counter) -> PackageCounter? {
    switch counter {
    case .register(let register):
      guard let identity, let map = RegisterMap(vendor: identity.vendor), map.energy(of: .package) == register.address
      else { return nil }
      let value = try? MachineRegisters(machine, cpus: [register.cpu]).read(map.units, cpu: register.cpu)
      let unit = value.flatMap { UnitRegister($0) }?.energyUnit(of: .package, on: CPUModel(identity))
      return (
        "CPU \(register.cpu)'s register \(hexadecimal(register.address))", unit, EnergyCounter.registerRange
      )
    case .zone(let folder):
      let path = "\(machine.root)/sys/class/powercap/\(folder)"
      guard let name = (try? machine.text("\(path)/name"))?.split(whereSeparator: \.isWhitespace).first,
        name.hasPrefix("package")
      else { return nil }
      let range =
        (try? machine.text("\(path)/max_energy_range_uj")).flatMap { PowercapCounter.microjoules($0.utf8) } ?? 0
      let unit = EnergyUnit(joulesPerCount: 1e-6, source: .powercap)
      return ("\(folder) (\(name))", unit, range == 0 ? .max : range)
    }
  }

  /// Counts what no package exceeds.
  private func energyCounter(_ unit: EnergyUnit?, range: UInt64) -> EnergyCounter {
    EnergyCounter(
      unit: unit ?? EnergyUnit(joulesPerCount: 1e-6), bound: PowerBound(cores: packages.map(\.cores).max()),
      range: range)
  }
}
