import Foundation
import Glibc
import PowerSources
import RAPL

@testable import PowerSources

/// Machines whose lists, names or numbers are odd, or wrong.
enum OddMachines {
  static let all = topologies + vendors + zones + dies + offline + registers

  private static let topology = "sys/devices/system/cpu/cpu0/topology"

  private static let topologies: [ComposedMachine] = [
    // As a hypervisor may number them.
    .intel("package-ids-with-gaps", model: 0x55).topology([0: (0, 0, 0), 1: (2, 0, 0), 2: (7, 0, 0)])
      .intelRegisters(cpus: [0, 1, 2], watts: 20).gives(60),
    .intel("package-id-65535", model: 0x55).topology([0: (65_535, 0, 0)]).intelRegisters(watts: 20).gives(20),
    .intel("package-id-minus-1", model: 0x55).intelRegisters().text("\(topology)/physical_package_id", "-1\n")
      .refused("does not contain a package or die number", doctor: "does not contain a package or die number"),
    .intel("die-ids-across-packages", model: 0x8F).topology([0: (0, 0, 0), 1: (1, 1, 0)])
      .intelRegisters(cpus: [0, 1], watts: 150).gives(300),
    .intel("two-dies-numbered-across-packages", model: 0x55)
      .topology([0: (0, 0, 0), 1: (0, 1, 0), 2: (1, 2, 0), 3: (1, 3, 0)]).intelRegisters(cpus: [0, 1, 2, 3], watts: 25)
      .gives(100),
    // Two NUMA nodes in one package: no counters of their own.
    .intel("sub-numa-clusters", model: 0x6A).topology([0: (0, 0, 0), 1: (0, 0, 1)])
      .text("sys/devices/system/node/node0/distance", "10 11\n").text(
        "sys/devices/system/node/node1/distance", "11 10\n"
      )
      .text("sys/devices/system/node/node0/cpulist", "0\n").text("sys/devices/system/node/node1/cpulist", "1\n")
      .intelRegisters(watts: 90).gives(90),
    .intel("cpu-numbers-with-holes", model: 0x55)
      .topology([2: (0, 0, 0), 9: (0, 0, 1), 40: (1, 0, 0)], present: "0-63").intelRegisters(cpus: [2, 40], watts: 70)
      .gives(140),
    .intel("512-cpus", model: 0x8F)
      .topology(Dictionary(uniqueKeysWithValues: (0..<512).map { ($0, (package: $0 / 128, die: 0, core: $0 % 64)) }))
      .intelRegisters(cpus: [0, 128, 256, 384], watts: 300).gives(1200),
    .intel("cpu-0-offline", model: 0x9E).topology([1: (0, 0, 1), 2: (0, 0, 2)], present: "0-2").intelRegisters(
      cpus: [1], watts: 33
    )
    .gives(33),
    .intel("smt-off", model: 0x9E).topology([0: (0, 0, 0), 1: (0, 0, 1)], present: "0-3")
      .text("sys/devices/system/cpu/smt/control", "off\n").intelRegisters(watts: 33).gives(33),
    .intel("no-topology", model: 0x9E).topology([:], online: "0-1", present: "0-1").intelRegisters()
      .refused("physical_package_id: No such file", doctor: "physical_package_id: No such file"),
    .intel("no-topology-but-zones", model: 0x9E).topology([:], online: "0-1", present: "0-1").zone(
      "intel-rapl:0", "package-0"),
  ]

  private static let vendors: [ComposedMachine] = [
    ComposedMachine(
      "vendor-unknown", cpuinfo: ComposedMachine.cpuinfo("NobodyKnows!", family: 6, model: 0x9E, name: "Test")
    )
    .refused("only Intel, AMD and Hygon", doctor: "only Intel, AMD and Hygon"),
    ComposedMachine("vendor-empty", cpuinfo: ComposedMachine.cpuinfo("", family: 6, model: 0x9E, name: "Test"))
      .refused("only Intel, AMD", doctor: "only Intel, AMD"),
    ComposedMachine(
      "zhaoxin-family-7", cpuinfo: ComposedMachine.cpuinfo("  Shanghai  ", family: 7, model: 0x3B, name: "Test")
    )
    .refused("model 3Bh", doctor: "model 3Bh"),
  ]

  private static let zones: [ComposedMachine] = [
    .intel("zone-name-with-newline", model: 0x9E).zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "co\nre")
      .zone("intel-rapl:0:1", "dram"),
    .intel("zone-name-empty", model: 0x9E).zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", ""),
    .intel("zone-range-0", model: 0x9E).zone("intel-rapl:0", "package-0", range: "0")
      .refused("max_energy_range_uj does not contain a plausible number", doctor: "max_energy_range_uj"),
    .intel("zones-of-one-name", model: 0x55).zone("intel-rapl:0", "package-0", watts: 30, start: 5)
      .zone("intel-rapl:1", "package-0", watts: 50).refused("both claim", doctor: "both claim"),
    .intel("zones-of-one-name-of-two-packages", model: 0x55, packages: 2)
      .zone("intel-rapl:0", "package-0", watts: 30, start: 5).zone("intel-rapl:1", "package-0", watts: 50)
      .refused("both claim", doctor: "both claim"),
    .amd("zones-of-one-name-by-amd", family: 0x19).zone("intel-rapl:0", "package-0", watts: 30, start: 5)
      .zone("intel-rapl:1", "package-0", watts: 50).refused("both claim", doctor: "both claim"),
    .intel("only-zone-without-name", model: 0x9E).zone("intel-rapl:0", "")
      .refused("no energy zones", doctor: "no energy zones"),
  ]

  /// Packages of several dies with fewer zones.
  private static let dies: [ComposedMachine] = [
    .intel("two-dies-and-one-zone", model: 0x55, dies: 2).zone("intel-rapl:0", "package-0")
      .refused("only one of its 2 dies", doctor: "only one of its 2 dies"),
    .intel("two-packages-of-three-dies-and-a-zone-each", model: 0x8F, packages: 2, dies: 3)
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:1", "package-1")
      .refused("only one of its 3 dies", doctor: "only one of its 3 dies"),
    // Numbered otherwise than the packages.
    .intel("two-dies-and-one-zone-of-another-number", model: 0x55)
      .topology([0: (3, 0, 0), 1: (3, 1, 0)]).zone("intel-rapl:0", "package-0")
      .refused("only one of its 2 dies", doctor: "only one of its 2 dies"),
    ComposedMachine(
      "zhaoxin-of-two-dies-and-one-zone",
      cpuinfo: ComposedMachine.cpuinfo("  Shanghai  ", family: 7, model: 0x5B, name: "Test CPU"), dies: 2
    ).zone("intel-rapl:0", "package-0").refused("only one of its 2 dies", doctor: "only one of its 2 dies"),
    // The registers tell each die's energy.
    .intel("two-dies-with-registers-and-one-zone", model: 0x55, dies: 2).intelRegisters(cpus: [0, 2], watts: 40)
      .zone("intel-rapl:0", "package-0").gives(80),
    // A TPMI zone counts all of its package.
    .intel("two-dies-and-one-zone-by-tpmi", model: 0xAD, dies: 2).zone("intel-rapl:0", "package-0", watts: 300)
      .text("sys/bus/auxiliary/devices/intel_vsec.tpmi-rapl.0/uevent", "DRIVER=intel_rapl_tpmi\n").gives(300),
    ComposedMachine(
      "diamond-rapids-of-two-dies",
      cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 19, model: 1, name: "Intel(R) Test CPU"), packages: 2,
      dies: 2
    ).zone("intel-rapl:0", "package-0", watts: 300).zone("intel-rapl:1", "package-1", watts: 200).gives(500),
    // AMD's dies have no counters of their own.
    .amd("amd-of-four-dies-with-a-zone-for-each-socket", family: 0x19, packages: 2, dies: 4)
      .zone("intel-rapl:0", "package-0", watts: 100).zone("intel-rapl:1", "package-1", watts: 60).gives(160),
  ]

  private static let isOffline = "powercap/intel-rapl:1 cannot be read, because its package is offline"
  /// Two packages, of which the second is offline.
  private static func halfOffline(_ name: String) -> ComposedMachine {
    .intel(name, model: 0x55).topology([0: (0, 0, 0), 1: (0, 0, 1)], present: "0-3")
      .text("sys/devices/system/cpu/offline", "2-3\n")
  }

  /// Packages that are offline, and whose zones are still there.
  private static let offline: [ComposedMachine] = [
    halfOffline("zone-of-an-offline-package").zone("intel-rapl:0", "package-0", watts: 50)
      .zone("intel-rapl:0:0", "dram").zone("intel-rapl:1", "package-1", .failed(errno: ENODEV))
      .zone("intel-rapl:1:0", "dram", .failed(errno: ENODEV)).gives(50, saying: [isOffline]),
    halfOffline("zone-of-an-offline-package-without-a-name").zone("intel-rapl:0", "package-0", watts: 50)
      .zone("intel-rapl:1", "package-1", .failed(errno: ENODEV)).text("sys/class/powercap/intel-rapl:1/name", nil)
      .error("sys/class/powercap/intel-rapl:1/name", ENODEV).gives(50, saying: [isOffline]),
    halfOffline("zone-of-an-offline-package-beside-registers").intelRegisters(watts: 60)
      .zone("intel-rapl:0", "package-0", watts: 60).zone("intel-rapl:1", "package-1", .failed(errno: ENODEV)).gives(60),
    .intel("zone-that-died-of-a-package-that-is-online", model: 0x55, packages: 2)
      .zone("intel-rapl:0", "package-0", watts: 50).zone("intel-rapl:1", "package-1", .failed(errno: ENODEV))
      .refused(
        "intel-rapl:1/energy_uj: its package went offline", doctor: "intel-rapl:1/energy_uj: its package went offline"),
    .intel("zone-that-died-of-a-die-that-is-online", model: 0x55, dies: 2)
      .zone("intel-rapl:0", "package-0-die-0", watts: 50)
      .zone("intel-rapl:1", "package-0-die-1", .failed(errno: ENODEV))
      .refused(
        "intel-rapl:1/energy_uj: its package went offline", doctor: "intel-rapl:1/energy_uj: its package went offline"),
    halfOffline("zone-of-the-offline-package-alone").zone("intel-rapl:0", "package-0", .failed(errno: ENODEV))
      .zone("intel-rapl:1", "package-1", watts: 50)
      .refused(
        "intel-rapl:0/energy_uj: its package went offline", doctor: "intel-rapl:0/energy_uj: its package went offline"),
    .intel("only-zones-that-died", model: 0x55).zone("intel-rapl:0", "package-0", .failed(errno: ENODEV))
      .refused(
        "intel-rapl:0/energy_uj: its package went offline", doctor: "intel-rapl:0/energy_uj: its package went offline"),
    .intel("zone-that-died-where-nobody-knows-the-packages", model: 0x55).topology([:], online: "0-1", present: "0-1")
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:1", "package-1", .failed(errno: ENODEV))
      .refused(
        "intel-rapl:1/energy_uj: its package went offline", doctor: "intel-rapl:1/energy_uj: its package went offline"),
  ]

  private static let registers: [ComposedMachine] = [
    .intel("unit-0", model: 0x9E).intelRegisters(units: 0).refused("0x606 reads 0", doctor: "reads 0"),
    .intel("unit-exponent-31", model: 0x9E).intelRegisters(units: 0xA1F03).refused(
      "than on any CPU", doctor: "than on any CPU"),
    .intel("tdp-0", model: 0x9E).intelRegisters(watts: 80).registers([0x614: [0]]).gives(80),
    .intel("tdp-4000-watts", model: 0x9E).intelRegisters(watts: 80).registers([0x614: [32_000]]).gives(80),
  ]
}
