internal import Formatting
internal import PowerSources
internal import RAPL

extension Examination {
  /// What a trace tells of the counters of packages: how often they move and how evenly, and what they have counted.
  mutating func lookAtTrace() {
    guard let trace = machine.trace else { return }
    let counters = trace.tracks.count == 1 ? "1 counter" : "\(trace.tracks.count) counters"
    ok(.trace, "There are readings of \(counters) over \(Numbers.fixed(trace.seconds, places: 1)) s.")
    for track in trace.tracks {
      guard let counter = package(track.counter) else { continue }
      guard let rhythm = Rhythm(track, range: counter.range) else {
        ok(.trace, "\(counter.name) stands still in all that time.")
        continue
      }
      let watts = counter.joulesPerCount.map { joules in
        ", on average \(Numbers.fixed(Double(rhythm.counts) * joules / rhythm.seconds, places: 2)) W"
      }
      ok(.trace, "\(counter.name) moves every \(rhythm)\(watts ?? "").")
    }
  }

  private typealias PackageCounter = (name: String, joulesPerCount: Double?, range: UInt64)

  /// A counter that is a package's, or its die's; nil for any other.
  private func package(_ counter: Trace.Counter) -> PackageCounter? {
    switch counter {
    case .register(let register):
      guard let identity, let map = RegisterMap(vendor: identity.vendor), map.energy(of: .package) == register.address
      else { return nil }
      let value = try? MachineRegisters(machine, cpus: [register.cpu]).read(map.units, cpu: register.cpu)
      let unit = value.flatMap { UnitRegister($0) }?.energyUnit(of: .package, on: CPUModel(identity))
      return (
        "CPU \(register.cpu)'s register \(hexadecimal(register.address))", unit?.joulesPerCount,
        EnergyCounter.registerRange
      )
    case .zone(let folder):
      let path = "\(machine.root)/sys/class/powercap/\(folder)"
      guard let name = (try? machine.text("\(path)/name"))?.split(whereSeparator: \.isWhitespace).first,
        name.hasPrefix("package")
      else { return nil }
      let range =
        (try? machine.text("\(path)/max_energy_range_uj")).flatMap { PowercapCounter.microjoules($0.utf8) } ?? 0
      return ("\(folder) (\(name))", 1e-6, range == 0 ? .max : range)
    }
  }
}
