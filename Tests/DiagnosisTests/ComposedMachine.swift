import Foundation
import PowerSources
import RAPL
import SystemCalls
import Testing

@testable import Diagnosis
@testable import PowerSources

/// A machine that is put together for a test, as a capture of it would be: on disk while it lives.
struct ComposedMachine: Sendable, CustomTestStringConvertible {
  let testDescription: String
  private var texts: [String: String] = [:]
  private var capture = Capture()
  private var motions: [(counter: Trace.Counter, motion: CounterMotion)] = []
  /// What it must give, by the service and by the doctor alike.
  private(set) var expected = MachineAnswer.watts(ComposedMachine.watts)

  /// The default power of a package.
  static let watts = 42.5

  /// A machine of so many packages of two CPUs, on real hardware, looked at as root.
  init(_ name: String, cpuinfo: String, packages: Int = 1, dies: Int = 1) {
    testDescription = name
    texts["proc/cpuinfo"] = cpuinfo
    texts["proc/self/status"] = "Name:\tpkg-watt-stat\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n"
    texts["sys/kernel/security/lockdown"] = "[none] integrity confidentiality\n"
    let cpus = packages * dies * 2
    for name in ["online", "present"] { texts["sys/devices/system/cpu/\(name)"] = "0-\(cpus - 1)\n" }
    for cpu in 0..<cpus {
      let topology = "sys/devices/system/cpu/cpu\(cpu)/topology"
      texts["\(topology)/physical_package_id"] = "\(cpu / (dies * 2))\n"
      texts["\(topology)/die_id"] = "\(cpu / 2 % dies)\n"
      texts["\(topology)/core_id"] = "\(cpu % 2)\n"
    }
    capture.answers["turbostat"] = "/usr/sbin/turbostat\nturbostat version 2025.02.02 - Len Brown <lenb@kernel.org>\n"
    capture.answers["service at /run/pkg-watt-stat/pkg-watt-stat.sock"] = "ok 42.50 W"
    capture.answers["service at /tmp/pkg-watt-stat.sock"] = "ok 42.50 W"
    capture.answers["one service at both paths"] = "yes"
  }

  static func intel(_ name: String, model: Int, packages: Int = 1, dies: Int = 1, flags: String = "") -> Self {
    Self(
      name, cpuinfo: cpuinfo("GenuineIntel", family: 6, model: model, name: "Intel(R) Test CPU", flags: flags),
      packages: packages, dies: dies)
  }

  static func amd(
    _ name: String, vendor: String = "AuthenticAMD", family: Int, model: Int = 1, packages: Int = 1, dies: Int = 1,
    flags: String = ""
  ) -> Self {
    Self(
      name,
      cpuinfo: cpuinfo(vendor, family: family, model: model, name: "AMD Test CPU", flags: flags)
        + "power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]\n", packages: packages, dies: dies)
  }

  static func cpuinfo(_ vendor: String, family: Int, model: Int, name: String, flags: String = "") -> String {
    """
    processor\t: 0
    vendor_id\t: \(vendor)
    cpu family\t: \(family)
    model\t\t: \(model)
    model name\t: \(name)
    flags\t\t: fpu vme \(flags) sse2

    """
  }

  /// Registers of CPUs: each that is given reads these values, one after the other.
  func registers(_ values: [UInt32: [UInt64]], cpus: [Int] = [0]) -> Self {
    var machine = self
    for cpu in cpus {
      for (address, values) in values {
        let register = Capture.Register(cpu: cpu, address: address)
        machine.motions.removeAll { $0.counter == .register(register) }
        machine.capture.registers[register] = .read(values)
      }
    }
    return machine
  }

  /// Registers that fault.
  func faults(_ addresses: UInt32..., cpus: [Int] = [0]) -> Self {
    var machine = self
    for cpu in cpus {
      for address in addresses {
        machine.capture.registers[Capture.Register(cpu: cpu, address: address)] = .failed(errno: EIO)
      }
    }
    return machine
  }

  /// Registers of which the capture has no value.
  func lacks(_ addresses: UInt32..., cpus: [Int] = [0]) -> Self {
    var machine = self
    machine.capture.registers = machine.capture.registers.filter {
      !cpus.contains($0.key.cpu) || !addresses.contains($0.key.address)
    }
    return machine
  }

  /// A counter that moves.
  func moves(_ counter: Trace.Counter, _ motion: CounterMotion) -> Self {
    var machine = self
    machine.motions.removeAll { $0.counter == counter }
    machine.motions.append((counter, motion))
    return machine
  }

  /// A register of CPUs that moves; each has a counter of its own, unless it begins where another does.
  func counter(
    _ address: UInt32, cpus: [Int], watts: Double, joules: Double = 1 / 16_384, start: UInt64? = nil,
    milliseconds: Double = 2
  ) -> Self {
    cpus.reduce(self) { machine, cpu in
      let start = start ?? UInt64(cpu + 1) * 0x0010_0000 + UInt64(address & 0xFFF)
      return machine.moves(
        .register(Capture.Register(cpu: cpu, address: address)),
        CounterMotion(start: start, perSecond: watts / joules, milliseconds: milliseconds))
    }
  }

  /// Intel's registers: 2^-14 J, 95 W, and the domains that are given. The other domains fault.
  func intelRegisters(
    _ domains: [UInt32] = [], cpus: [Int] = [0], watts: Double = Self.watts, units: UInt64 = 0xA0E03,
    joules: Double = 1 / 16_384
  ) -> Self {
    var machine = registers([0x606: [units], 0x614: [95 << 3]], cpus: cpus)
      .counter(0x611, cpus: cpus, watts: watts, joules: joules)
    for address in [0x639, 0x641, 0x619, 0x64D] as [UInt32] {
      if domains.contains(address) {
        machine = machine.counter(address, cpus: cpus, watts: 10, joules: joules)
      } else {
        for cpu in cpus {
          machine.capture.registers[Capture.Register(cpu: cpu, address: address)] = .failed(errno: EIO)
        }
      }
    }
    return machine
  }

  /// AMD's registers: 2^-16 J. Its core counters are each core's.
  func amdRegisters(
    cpus: [Int] = [0], watts: Double = Self.watts, cores: [Int]? = nil, coreWatts: Double = 3, start: UInt64? = nil
  ) -> Self {
    registers([0xC001_0299: [0xA1003]], cpus: cpus + (cores ?? cpus))
      .counter(0xC001_029B, cpus: cpus, watts: watts, joules: 1 / 65_536, start: start)
      .counter(0xC001_029A, cpus: cores ?? cpus, watts: coreWatts, joules: 1 / 65_536)
  }

  /// The service and the doctor find it measurable, and it draws so many watts.
  func gives(_ watts: Double, saying: [String] = []) -> Self {
    var machine = self
    machine.expected = .watts(watts, saying: saying)
    return machine
  }

  /// The service refuses with a sentence that has this in it, and the doctor finds it not measurable, and says that.
  func refused(_ service: String, doctor: String) -> Self {
    var machine = self
    machine.expected = .refusal(service: service, doctor: doctor)
    return machine
  }

  /// Where its CPUs sit: that of a CPU is package, die, core.
  func topology(_ places: [Int: (package: Int, die: Int, core: Int)], online: String? = nil, present: String? = nil)
    -> Self
  {
    var machine = self
    let cpus = "sys/devices/system/cpu"
    machine.texts = machine.texts.filter { !$0.key.hasPrefix("\(cpus)/cpu") }
    for (cpu, place) in places {
      machine.texts["\(cpus)/cpu\(cpu)/topology/physical_package_id"] = "\(place.package)\n"
      machine.texts["\(cpus)/cpu\(cpu)/topology/die_id"] = "\(place.die)\n"
      machine.texts["\(cpus)/cpu\(cpu)/topology/core_id"] = "\(place.core)\n"
    }
    let list = CPUList.text(places.keys.sorted())
    machine.texts["\(cpus)/online"] = (online ?? list) + "\n"
    machine.texts["\(cpus)/present"] = (present ?? list) + "\n"
    return machine
  }

  func text(_ path: String, _ text: String?) -> Self {
    var machine = self
    machine.texts[path] = text
    return machine
  }

  func error(_ path: String, _ errno: Int32) -> Self {
    var machine = self
    machine.capture.errors[path] = errno
    return machine
  }

  func permissions(_ path: String, _ mode: UInt32) -> Self {
    var machine = self
    machine.capture.permissions[path] = FilePermissions(mode: mode, user: 0, group: 0)
    return machine
  }

  func answer(_ question: String, _ answer: String?) -> Self {
    var machine = self
    machine.capture.answers[question] = answer
    return machine
  }

  /// A powercap zone whose energy does not move, or cannot be read.
  func zone(_ folder: String, _ name: String, _ energy: Capture.Values) -> Self {
    var machine = zone(folder, name)
    machine.motions.removeAll { $0.counter == .zone(folder) }
    machine.capture.zones[folder] = energy
    return machine
  }

  /// Powercap zones that are links to nowhere.
  func maskedZones(_ folders: String...) -> Self {
    var machine = self
    machine.capture.folders["sys/class/powercap"] = ["intel-rapl"] + folders
    return machine
  }

  /// A powercap zone that moves: a package's by 42.5 W, others by 10 W.
  func zone(
    _ folder: String, _ name: String, watts: Double? = nil, start: UInt64? = nil, range: String = "262143328850",
    mode: UInt32 = 0o400
  ) -> Self {
    // The memory-mapped one is the same counter.
    let number = folder.replacing("-mmio", with: "").utf8.reduce(UInt64(0)) { ($0 &* 31 &+ UInt64($1)) % 1009 }
    let watts = watts ?? (name.hasPrefix("package") ? Self.watts : 10)
    return text("sys/class/powercap/\(folder)/name", name + "\n")
      .text("sys/class/powercap/\(folder)/max_energy_range_uj", range + "\n")
      .permissions("sys/class/powercap/\(folder)/energy_uj", mode)
      .moves(
        .zone(folder),
        CounterMotion(start: start ?? 200_000_000 * (number + 1), perSecond: watts * 1e6, milliseconds: 2))
  }

  /// An unprivileged user looks at it.
  var withoutRights: Self {
    text("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n").error("dev/cpu/0/msr", EACCES)
      .error(
        "dev/cpu/1/msr", EACCES
      )
      .permissions("dev/cpu/0/msr", 0o600)
  }

  /// Puts it on disk while `body` looks at it.
  func withRoot<Result>(_ body: (String) throws -> Result) throws -> Result {
    let root = NSTemporaryDirectory() + "pkg-watt-stat-machine-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: root) }
    var capture = capture
    // What it does not have, its capture says that it did not have.
    let powercap = "sys/class/powercap"
    if !texts.keys.contains(where: { $0.hasPrefix(powercap) }), capture.folders[powercap] == nil {
      capture.errors[powercap] = capture.errors[powercap] ?? ENOENT
    }
    if capture.registers.isEmpty {
      for cpu in 0..<4 where texts["sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id"] != nil {
        let node = "dev/cpu/\(cpu)/msr"
        capture.errors[node] = capture.errors[node] ?? ENOENT
      }
    }
    let milliseconds = motions.map(\.motion.milliseconds).max() ?? 0
    if milliseconds > 0 {
      let nanoseconds = Int64(max(4000, milliseconds * 10) * 1e6)
      capture.trace = Trace(
        clocks: [0, 0, 0], tracks: motions.map { $0.motion.track($0.counter, nanoseconds: nanoseconds) },
        nanoseconds: nanoseconds)
    }
    try capture.write(texts: texts, to: root)
    return try body(root)
  }
}

/// What a machine must give, by the service and by the doctor alike.
enum MachineAnswer: Equatable {
  /// So many watts, and the service and the doctor each say all of these.
  case watts(Double, saying: [String] = [])
  /// A refusal, with a sentence of each.
  case refusal(service: String, doctor: String)
}

/// How a counter of a composed machine moves: in even steps.
struct CounterMotion {
  let start: UInt64
  /// Counts a second.
  let perSecond: Double
  /// From step to step.
  let milliseconds: Double
  var bits = 32

  /// Its readings, ten a millisecond.
  func track(_ counter: Trace.Counter, nanoseconds: Int64) -> Trace.Track {
    let step = Int64(milliseconds * 1e6)
    let reading = Int64(100_000)
    let mask: UInt64 = if case .zone = counter { .max } else { 1 << UInt64(bits) &- 1 }
    let runs = stride(from: Int64(0), to: nanoseconds, by: Int64.Stride(step)).map { first in
      let value = start &+ UInt64((Double(first) / 1e9 * perSecond).rounded(.down))
      let last = min(first + step, nanoseconds) - reading
      return Trace.Run(first: first, last: last, reads: Int(step / reading), reading: .value(value & mask))
    }
    return Trace.Track(counter: counter, runs: runs)
  }
}
