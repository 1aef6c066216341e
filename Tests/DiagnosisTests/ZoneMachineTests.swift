import Foundation
import PowerSources
import RAPL
import TestSupport
import Testing

@testable import Diagnosis
@testable import PowerSources

/// A machine that powercap measures, and what it must give: each counter once.
private struct ZoneMachine: CustomStringConvertible {
  let machine: ComposedMachine
  /// By name: "package 0" or "package 0 DRAM".
  let watts: [String: Double]
  /// What the service and the doctor say of counters that are left out.
  var saying: [String] = []

  var description: String { machine.testDescription }

  /// As the kernel of each vendor and each driver shows them. Sources: Linux drivers/powercap/intel_rapl_common.c,
  /// `rapl_add_package` and `rapl_init_domains`.
  static let all = registers + tpmi + memory + amd + odd

  private static let registers: [Self] = [
    Self(
      machine: .intel("client", model: 0x9E).zone("intel-rapl:0", "package-0", watts: 42).zone("intel-rapl:0:0", "core")
        .zone("intel-rapl:0:1", "uncore", watts: 4).zone("intel-rapl:0:2", "dram", watts: 3)
        .zone("intel-rapl:1", "psys", watts: 60).zone("dtpm", "dtpm"),
      watts: ["package 0": 42, "package 0 core": 10, "package 0 uncore": 4, "package 0 DRAM": 3, "package 0 psys": 60]),
    Self(
      machine: .intel("two-packages-each-with-psys", model: 0x8F, packages: 2)
        .zone("intel-rapl:0", "package-0", watts: 100).zone("intel-rapl:0:0", "dram", watts: 12)
        .zone("intel-rapl:1", "psys", watts: 300).zone("intel-rapl:2", "package-1", watts: 80)
        .zone("intel-rapl:2:0", "dram", watts: 9).zone("intel-rapl:3", "psys-1", watts: 250),
      watts: [
        "package 0": 100, "package 0 DRAM": 12, "package 0 psys": 300, "package 1": 80, "package 1 DRAM": 9,
        "package 1 psys": 250,
      ]),
    Self(
      machine: .intel("two-packages-that-both-show-one-psys", model: 0x8F, packages: 2)
        .zone("intel-rapl:0", "package-0", watts: 100).zone("intel-rapl:1", "psys", watts: 300, start: 7_000_000)
        .zone("intel-rapl:2", "package-1", watts: 80).zone("intel-rapl:3", "psys-1", watts: 300, start: 7_000_000),
      watts: ["package 0": 100, "package 1": 80, "package 0 psys": 300],
      saying: ["Of psys, package 1 shows the same energy counter as package 0"]),
    Self(
      machine: .intel("dies-with-counters", model: 0x55, packages: 2, dies: 2)
        .zone("intel-rapl:0", "package-0-die-0", watts: 40).zone("intel-rapl:0:0", "dram", watts: 5)
        .zone("intel-rapl:1", "package-0-die-1", watts: 50).zone("intel-rapl:1:0", "dram", watts: 6)
        .zone("intel-rapl:2", "package-1-die-0", watts: 60).zone("intel-rapl:3", "package-1-die-1", watts: 70),
      watts: [
        "package 0 die 0": 40, "package 0 die 0 DRAM": 5, "package 0 die 1": 50, "package 0 die 1 DRAM": 6,
        "package 1 die 0": 60, "package 1 die 1": 70,
      ]),
    // The kernel numbers psys by the die, but names it by the package.
    Self(
      machine: .intel("dies-that-call-psys-alike", model: 0x55, dies: 3)
        .zone("intel-rapl:0", "package-0-die-0", watts: 40).zone("intel-rapl:1", "psys", watts: 200)
        .zone("intel-rapl:2", "package-0-die-1", watts: 50).zone("intel-rapl:3", "psys-0", watts: 210)
        .zone("intel-rapl:4", "package-0-die-2", watts: 60).zone("intel-rapl:5", "psys-0", watts: 220),
      watts: ["package 0 die 0": 40, "package 0 die 1": 50, "package 0 die 2": 60],
      saying: [
        "The psys counter of package 0 is not measured. intel-rapl:1 and intel-rapl:3 in /sys/class/powercap both claim"
      ]),
  ]

  private static let tpmi: [Self] = [
    // Only the package that is the root of the platform has psys, and that need not be the first.
    Self(
      machine: tpmi("granite-rapids", "intel-rapl").zone("intel-rapl:0", "package-0", watts: 300)
        .zone("intel-rapl:0:0", "dram", watts: 40).zone("intel-rapl:1", "package-1", watts: 250)
        .zone("intel-rapl:1:0", "dram", watts: 30).zone("intel-rapl:2", "psys-1", watts: 900),
      watts: [
        "package 0": 300, "package 0 DRAM": 40, "package 1": 250, "package 1 DRAM": 30, "package 1 psys": 900,
      ]),
    Self(
      machine: tpmi("granite-rapids-with-a-vendor's-kernel", "intel-rapl-tpmi")
        .zone("intel-rapl-tpmi:0", "package-0", watts: 300).zone("intel-rapl-tpmi:0:0", "dram", watts: 40)
        .zone("intel-rapl-tpmi:1", "package-1", watts: 250),
      watts: ["package 0": 300, "package 0 DRAM": 40, "package 1": 250]),
    Self(
      machine: tpmi("granite-rapids-whose-registers-show-the-dies-too", "intel-rapl-tpmi")
        .zone("intel-rapl:0", "package-0-die-0", watts: 100).zone("intel-rapl:1", "package-0-die-1", watts: 110)
        .zone("intel-rapl:2", "package-1-die-0", watts: 120).zone("intel-rapl:3", "package-1-die-1", watts: 130)
        .zone("intel-rapl-tpmi:0", "package-0", watts: 210).zone("intel-rapl-tpmi:1", "package-1", watts: 250),
      watts: ["package 0 die 0": 100, "package 0 die 1": 110, "package 1 die 0": 120, "package 1 die 1": 130]),
  ]

  private static func tpmi(_ name: String, _ control: String) -> ComposedMachine {
    .intel(name, model: 0xAD, packages: 2, dies: 2)
      .text("sys/bus/auxiliary/devices/intel_vsec.tpmi-rapl.0/uevent", "DRIVER=intel_rapl_tpmi\n")
  }

  private static let memory: [Self] = [
    Self(
      machine: .intel("panther-lake-with-a-twin", model: 0xCC).zone("intel-rapl:0", "package-0", watts: 25)
        .zone("intel-rapl:0:0", "core", watts: 12).zone("intel-rapl:1", "psys", watts: 40)
        .zone("intel-rapl-mmio:0", "package-0", watts: 25),
      watts: ["package 0": 25, "package 0 core": 12, "package 0 psys": 40]),
    Self(
      machine: .intel("twin-with-dram-that-the-other-lacks", model: 0xCC).zone("intel-rapl:0", "package-0", watts: 25)
        .zone("intel-rapl-mmio:0", "package-0", watts: 25).zone("intel-rapl-mmio:0:0", "dram", watts: 3),
      watts: ["package 0": 25, "package 0 DRAM": 3]),
    Self(
      machine: .intel("twin-alone", model: 0xCC).zone("intel-rapl-mmio:0", "package-0", watts: 25)
        .zone("intel-rapl-mmio:0:0", "dram", watts: 3),
      watts: ["package 0": 25, "package 0 DRAM": 3]),
    Self(
      machine: ComposedMachine(
        "nova-lake", cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 18, model: 1, name: "Intel(R) Test CPU")
      ).zone("intel-rapl:0", "package-0", watts: 28).zone("intel-rapl:0:0", "core").zone("intel-rapl:0:1", "uncore")
        .zone("intel-rapl:1", "psys", watts: 40),
      watts: ["package 0": 28, "package 0 core": 10, "package 0 uncore": 10, "package 0 psys": 40]),
  ]

  private static let amd: [Self] = [
    Self(
      machine: .amd("zen", family: 0x19, packages: 2).zone("intel-rapl:0", "package-0", watts: 90)
        .zone("intel-rapl:0:0", "core", watts: 2).zone("intel-rapl:1", "package-1", watts: 80)
        .zone("intel-rapl:1:0", "core", watts: 2),
      watts: ["package 0": 90, "package 1": 80]),
    // Linux 6.10: a zone for each CCD, numbered in hexadecimal. Each shows its package's counter.
    Self(
      machine: (0..<12).reduce(.amd("zen-of-twelve-dies", family: 0x1A, dies: 12)) {
        $0.zone("intel-rapl:\(String($1, radix: 16))", "package-0-die-\($1)", watts: 300, start: 9_000_000)
          .zone("intel-rapl:\(String($1, radix: 16)):0", "core", watts: 2)
      },
      watts: ["package 0": 300]),
  ]

  private static let odd: [Self] = [
    // The kernel has none such: a package is in no other.
    Self(
      machine: .intel("package-in-a-package", model: 0x9E).zone("intel-rapl:0", "package-0", watts: 42)
        .zone("intel-rapl:0:0", "package-1", watts: 20),
      watts: ["package 0": 42]),
    Self(
      machine: .intel("domain-twice", model: 0x9E).zone("intel-rapl:0", "package-0", watts: 42)
        .zone("intel-rapl:0:0", "dram", watts: 4).zone("intel-rapl:0:1", "dram", watts: 5)
        .zone("intel-rapl:0:2", "core", watts: 20),
      watts: ["package 0": 42, "package 0 core": 20],
      saying: [
        "The DRAM counter of package 0 is not measured. intel-rapl:0:0 and intel-rapl:0:1 in /sys/class/powercap both"
      ]),
    // What another driver shows once may be either of them.
    Self(
      machine: .intel("domain-twice-and-once-more-in-another-driver", model: 0x9E)
        .zone("intel-rapl:0", "package-0", watts: 42).zone("intel-rapl:0:0", "dram", watts: 4)
        .zone("intel-rapl:0:1", "dram", watts: 5).zone("intel-rapl-mmio:0", "package-0", watts: 42)
        .zone("intel-rapl-mmio:0:0", "dram", watts: 5),
      watts: ["package 0": 42],
      saying: [
        "The DRAM counter of package 0 is not measured. intel-rapl:0:0 and intel-rapl:0:1 in /sys/class/powercap both"
      ]),
  ]
}

@Suite("Powercap's zones on machines of all kinds")
struct ZoneMachineTests {
  @Test(
    "each counter is there once, under its package's name, with its own watts; the doctor finds the same", .namesTrials)
  func watts() async { await atOnce(ZoneMachine.all, most: 6, watts) }

  private func watts(zones: ZoneMachine) throws {
    try zones.machine.withRoot { root in
      let log = Log()
      var source = try EnergySources.powercap(root: root, domains: Set(PowerDomain.allCases), log: { log.add($0) })
      let first = source.read().readings
      Thread.sleep(forTimeInterval: 0.3)
      let last = source.read().readings
      let names = last.map { "\(DomainID($0.package, $0.domain))" }
      #expect(names.count == Set(names).count && Set(names) == Set(zones.watts.keys), "\(names)")
      for (one, other) in zip(first, last) {
        let seconds = Double(other.monotonicNanoseconds - one.monotonicNanoseconds) / 1e9
        let watts = other.unit.joules(other.counts - one.counts) / seconds
        let expected = try #require(zones.watts["\(DomainID(other.package, other.domain))"])
        #expect(abs(watts - expected) <= 0.04 * expected, "\(DomainID(other.package, other.domain)): \(watts) W")
      }
      let report = Doctor.examine(try Machine(root: root))
      #expect(report.measuredBy.contains("powercap"), "\(report.text)")
      for text in zones.saying {
        #expect(log.lines.contains { $0.contains(text) }, "\(log.lines)")
        #expect(report.text.contains(text), "\(report.text)")
      }
      #expect(log.lines.count == zones.saying.count, "\(log.lines)")
    }
  }

  @Test(
    "zones of which one may be a part of another are refused, by the service and by the doctor",
    arguments: [
      (
        ["package-0", "package-0-die-1"],
        "intel-rapl:0 and intel-rapl:1 in /sys/class/powercap both claim to count package 0,"
      ),
      (
        ["package-1-die-0", "package-0", "package-1"], "intel-rapl:0 and intel-rapl:2 in /sys/class/powercap both claim"
      ),
      (["package-0-die-1", "package-0-die-1"], "both claim to count package 0 die 1,"),
    ])
  func refusal(names: [String], says: String) throws {
    let machine = names.enumerated().reduce(ComposedMachine.intel("odd", model: 0x55, packages: 2, dies: 2)) {
      $0.zone("intel-rapl:\($1.offset)", $1.element)
    }
    try machine.withRoot { root in
      let error = try #require(#expect(throws: SourceError.self) { try EnergySources.powercap(root: root) })
      #expect("\(error)".contains(says) && "\(error)".contains("To do: "), "\(error)")
      let report = Doctor.examine(try Machine(root: root))
      #expect(report.exitCode == 1 && report.text.contains(says), "\(report.text)")
    }
  }

  private final class Log: @unchecked Sendable {
    private let lock = NSLock()
    private var said: [String] = []

    func add(_ line: String) { lock.withLock { said.append(line) } }
    var lines: [String] { lock.withLock { said } }
  }
}
