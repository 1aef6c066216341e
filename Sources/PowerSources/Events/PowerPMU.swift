internal import Formatting
internal import Glibc
internal import RAPL
package import SystemCalls

/// The kernel's PMU named `power`, which counts energy, as /sys/bus/event_source/devices/power describes it.
///
/// AMD's `power_core`, with a counter for each core, is another PMU, and is not read. Sources: Linux arch/x86/events/rapl.c and
/// drivers/powercap/intel_rapl_common.c; Documentation/ABI/testing/sysfs-bus-event_source-devices-events.
package struct PowerPMU {
  /// An event that counts energy.
  struct Event: Equatable {
    let domain: PowerDomain
    /// "power/energy-pkg/", as for perf.
    var name: String { "power/\(Self.names[domain, default: ""])/" }
    /// What selects it.
    let config: UInt64
    /// The energy of one count.
    let joulesPerCount: Double

    fileprivate static let names: [PowerDomain: String] = [
      .package: "energy-pkg", .core: "energy-cores", .uncore: "energy-gpu", .dram: "energy-ram", .psys: "energy-psys",
    ]
  }

  /// The scales that an event may have, in joules: at the finest, 64 bits last half an hour at 10 kW.
  private static let plausibleJoules = 1e-12...1.0

  /// The number by which the kernel knows it.
  let type: UInt32
  /// Its events, the package's first.
  let events: [Event]
  /// The CPUs that count: one for each package, or each die with a counter of its own.
  let cpus: [Int]
  /// The path of the list of these CPUs.
  let cpuPath: String

  /// Reads the description below a folder that stands for /; "" is / itself.
  package init(root: String, files: any MachineFiles) throws(SourceError) {
    let folder = root + "/sys/bus/event_source/devices/power"
    guard files.has(folder) else { throw .events(.absent(folder)) }
    func text(_ path: String) throws(SourceError) -> Substring {
      do {
        return Substring(try files.text(path)).trimmed
      } catch {
        throw .events(.unreadable(path: path, errno: error.errno))
      }
    }
    guard let type = UInt32(try text("\(folder)/type")) else {
      throw .events(.malformed(path: "\(folder)/type", expected: "the number of a PMU"))
    }
    self.type = type
    var events: [Event] = []
    for domain in PowerDomain.allCases {
      let path = "\(folder)/events/\(Event.names[domain, default: ""])"
      guard files.has(path) else { continue }
      guard let config = Self.config(try text(path)) else {
        throw .events(.malformed(path: path, expected: "event= and a number"))
      }
      guard try text("\(path).unit") == "Joules" else {
        throw .events(.malformed(path: "\(path).unit", expected: "Joules"))
      }
      guard let joules = Double(try text("\(path).scale")), Self.plausibleJoules ~= joules else {
        throw .events(.malformed(path: "\(path).scale", expected: "a plausible number of joules"))
      }
      events.append(Event(domain: domain, config: config, joulesPerCount: joules))
    }
    guard events.first?.domain == .package else { throw .events(.noEvents("\(folder)/events")) }
    self.events = events
    cpuPath = "\(folder)/cpumask"
    guard let cpus = CPUList.parse(String(try text(cpuPath))) else {
      throw .events(.malformed(path: cpuPath, expected: "a list of CPUs"))
    }
    self.cpus = cpus
  }

  /// The number in "event=0x02".
  private static func config(_ text: Substring) -> UInt64? {
    guard text.hasPrefix("event=") else { return nil }
    let number = text.dropFirst(6)
    return number.hasPrefix("0x") ? UInt64(number.dropFirst(2), radix: 16) : UInt64(number)
  }

  /// The packages, or dies with a counter of their own, each with the CPU that counts for it.
  ///
  /// - Parameters:
  ///   - countsWholePackages: whether the kernel counts for packages although they have several dies, as with TPMI.
  /// - Throws: if one has no such CPU, or a CPU is not online.
  func packages(
    _ places: [CPUPlace], map: RegisterMap, countsWholePackages: Bool
  ) throws(SourceError) -> [(package: PackageCPUs, cpu: Int)] {
    guard !cpus.isEmpty else { throw .events(.noCPUs(cpuPath)) }
    let online = Set(places.map(\.cpu))
    if let cpu = cpus.first(where: { !online.contains($0) }) { throw .events(.offline(cpuPath, cpu: cpu)) }
    var packages = PackageCPUs.group(places, by: map)
    if countsWholePackages, cpus.count < packages.count { packages = PackageCPUs.group(places, by: .amd) }
    var found: [(package: PackageCPUs, cpu: Int)] = []
    for package in packages {
      guard let cpu = cpus.first(where: package.cpus.contains) else { throw .events(.missing(cpuPath, package.id)) }
      found.append((package, cpu))
    }
    return found
  }
}
