internal import Formatting
internal import PowerSources
internal import RAPL
internal import SystemCalls

extension Examination {
  /// Limits that differ by less are the same: registers and powercap round to different units.
  private static let tolerance = 0.01

  /// A zone's limits, and whether they are in force: a zone that is off or locked does not tell which of both it is.
  private typealias ZoneLimits = (zone: String, isEnabled: Bool, watts: [PowerLimit.Name: Double])

  /// Names limits that hold a package back: that are locked, lower than its TDP, or not the same in powercap.
  mutating func lookAtLimits() {
    guard let map, map == .intel, let identity, let registers else { return }
    let model = LimitModel(identity)
    for package in packages {
      guard let cpu = package.cpus.first(where: { registers.openErrors[$0] == nil }),
        let register = try? registers.read(map.units, cpu: cpu), let units = UnitRegister(register)
      else { continue }
      // What changes with power tells nothing here.
      let values = model.registers.filter { !$0.revealsPower }.reduce(into: [LimitRegister: UInt64]()) {
        $0[$1] = try? registers.read($1.rawValue, cpu: cpu)
      }
      let limits = PackageLimits(
        values, units: LimitUnits(units, on: model), on: model, bound: PowerBound(cores: package.cores))
      lookAt(limits, of: package.id)
    }
  }

  private mutating func lookAt(_ found: PackageLimits, of package: PackageID) {
    let limits = found.limits.filter { $0.isEnabled != false }
    // One that no package reaches holds nothing back.
    let real = limits.filter(\.watts.isPlausible)
    if let pl1 = real.first(where: { $0.name == .pl1 }), let tdp = found.tdpWatts, tdp.isPlausible,
      pl1.watts.value < tdp.value * (1 - Self.tolerance)
    {
      ok(
        .limits,
        "PL1 of \(package) is \(Self.power(pl1)), lower than its TDP of \(Self.watts(tdp.value)); the firmware or a program has set it."
      )
    }
    let locked = real.filter { $0.isLocked == true }
    if !locked.isEmpty {
      let list = locked.map { "\(Self.name($0)) \(Self.power($0))" }.joined(separator: ", ")
      ok(
        .limits,
        "The limits of \(package) are locked until the next reset (\(list)): only the firmware can change them.")
    }
    for (zone, isEnabled, watts) in zoneLimits(of: package) {
      for limit in limits {
        guard let other = watts[limit.name], abs(other - limit.watts.value) > Self.tolerance * limit.watts.value else {
          continue
        }
        let difference =
          "\(Self.name(limit)) of \(package) is \(Self.power(limit)) in its register, but \(Self.watts(other)) in powercap (\(zone))"
        guard isEnabled else {
          ok(.limits, "\(difference), which is off or locked there. If it is locked, the lower one counts.")
          continue
        }
        warn(
          .limits,
          "\(difference). The package keeps to both, so the lower one counts.",
          fix: "if the lower one is not meant, find what sets it: thermald, a power profile, or the firmware's setup.")
      }
    }
  }

  /// The constraints of all powercap zones of a package, also of a driver whose counters are not needed.
  private func zoneLimits(of package: PackageID) -> [ZoneLimits] {
    let folder = "\(machine.root)/sys/class/powercap"
    let names = ((try? machine.names(in: folder)) ?? []).filter { $0.split(separator: ":").count == 2 }
    return names.sorted().compactMap { zone in
      guard let name = word("\(folder)/\(zone)/name"), DomainID(zone: name, parent: nil) == DomainID(package, .package)
      else { return nil }
      var watts: [PowerLimit.Name: Double] = [:]
      for number in 0..<3 {
        let constraint = "\(folder)/\(zone)/constraint_\(number)_"
        guard let name = word(constraint + "name").flatMap({ PowerLimit.Name(constraint: $0) }),
          let text = word(constraint + "power_limit_uw"),
          let microwatts = PowercapCounter.microjoules(text.utf8), microwatts > 0
        else { continue }
        watts[name] = Double(microwatts) / 1e6
      }
      return watts.isEmpty ? nil : (zone, word("\(folder)/\(zone)/enabled") == "1", watts)
    }
  }

  private func word(_ path: String) -> String? { (try? machine.text(path)).map { $0.filter { $0 != "\n" } } }

  private static func name(_ limit: PowerLimit) -> String { limit.name.rawValue.uppercased() }

  /// "35 W over 28 s".
  private static func power(_ limit: PowerLimit) -> String {
    let window = limit.windowSeconds.map { " over \(Numbers.plain($0.value, places: $0.value < 1 ? 4 : 1)) s" } ?? ""
    return watts(limit.watts.value) + window
  }

  private static func watts(_ watts: Double) -> String { "\(Numbers.plain(watts, places: 3)) W" }
}
