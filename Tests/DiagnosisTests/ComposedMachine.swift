import Foundation
import PowerSources
import SystemCalls
import Testing

@testable import Diagnosis

/// A machine that is put together for a test, as a capture of it would be: on disk while it lives.
struct ComposedMachine: Sendable, CustomTestStringConvertible {
  let testDescription: String
  private var texts: [String: String] = [:]
  private var capture = Capture()

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

  static func amd(_ name: String, family: Int, packages: Int = 1, dies: Int = 1, flags: String = "") -> Self {
    Self(
      name,
      cpuinfo: cpuinfo("AuthenticAMD", family: family, model: 1, name: "AMD Test CPU", flags: flags)
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

  /// Registers of the first CPUs of packages: each that is given reads these values, one after the other.
  func registers(_ values: [UInt32: [UInt64]], cpus: [Int] = [0]) -> Self {
    var machine = self
    for cpu in cpus {
      for (address, values) in values {
        // No two CPUs of these are one package's: energy counters are different ones.
        let isEnergy = [0x611, 0xC001_029B].contains(address) && values.allSatisfy { $0 != 0 }
        let offset = isEnergy ? UInt64(cpu) * 0x10000 : 0
        machine.capture.registers[Capture.Register(cpu: cpu, address: address)] = .read(values.map { $0 + offset })
      }
    }
    return machine
  }

  /// Intel's registers: 2^-14 J, 95 W, and the domains that are given.
  func intelRegisters(_ domains: [UInt32] = [], cpus: [Int] = [0]) -> Self {
    let further = Dictionary(uniqueKeysWithValues: domains.map { ($0, [UInt64(0x2000)]) })
    return registers(
      [0x606: [0xA0E03], 0x611: [0x1000, 0x1010], 0x614: [95 << 3]].merging(further) { $1 }, cpus: cpus)
  }

  func amdRegisters(cpus: [Int] = [0]) -> Self {
    registers([0xC001_0299: [0xA1003], 0xC001_029B: [0x1000, 0x1010]], cpus: cpus)
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

  /// A powercap zone that moves, or whose energy_uj does what is given.
  func zone(_ folder: String, _ name: String, _ energy: Capture.Values = .read([250_000, 310_000])) -> Self {
    var machine = text("sys/class/powercap/\(folder)/name", name + "\n")
      .text("sys/class/powercap/\(folder)/max_energy_range_uj", "262143328850\n")
      .permissions("sys/class/powercap/\(folder)/energy_uj", 0o400)
    if case .read(let values) = energy {
      // Different counters; the same ones memory-mapped.
      let number = UInt64(folder.split(separator: ":").dropFirst().first ?? "") ?? 0
      machine.capture.zones[folder] = .read(values.map { $0 + number * 1_000_000_000 })
    } else {
      machine.capture.zones[folder] = energy
    }
    return machine
  }

  /// Powercap zones that are links to nowhere.
  func maskedZones(_ folders: String...) -> Self {
    var machine = self
    machine.capture.folders["sys/class/powercap"] = ["intel-rapl"] + folders
    return machine
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
    try CaptureFolder(root).write(texts: texts, capture)
    return try body(root)
  }
}
