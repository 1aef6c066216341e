import Foundation
import PowerSources
import RAPL

@testable import PowerSources

/// Machines that people reported to other monitors, composed from their values.
enum ReportedMachines {
  static let all = mirroredDies + zones + registers

  private static let core: UInt32 = 0x639
  private static let psys: UInt32 = 0x64D

  /// AMD's first generation: each die shows its socket's counter.
  private static let mirroredDies: [ComposedMachine] = [
    mirrored("naples-by-powercap", "AuthenticAMD", family: 0x17, dies: 4, byRegisters: false),
    mirrored("dhyana-by-powercap", "HygonGenuine", family: 0x18, dies: 4, byRegisters: false),
    mirrored("naples-of-two-dies-by-powercap", "AuthenticAMD", family: 0x17, dies: 2, byRegisters: false),
    mirrored("naples", "AuthenticAMD", family: 0x17, dies: 4, byRegisters: true),
    mirrored("dhyana", "HygonGenuine", family: 0x18, dies: 4, byRegisters: true),
  ]

  /// Two sockets of 100 and 60 W, one CPU a die, dies numbered on across the sockets.
  private static func mirrored(_ name: String, _ vendor: String, family: Int, dies: Int, byRegisters: Bool)
    -> ComposedMachine
  {
    let cpus = Array(0..<2 * dies)
    let places = Dictionary(uniqueKeysWithValues: cpus.map { ($0, (package: $0 / dies, die: $0, core: 0)) })
    var machine = ComposedMachine.amd(name, vendor: vendor, family: family, model: 1).topology(places).gives(160)
    for cpu in cpus {
      let (package, watts) = (cpu / dies, cpu < dies ? 100.0 : 60)
      let start = UInt64(package + 1) * 50_000_000
      if byRegisters {
        machine = machine.amdRegisters(cpus: [cpu], watts: watts, start: start)
      } else {
        machine = machine.zone("intel-rapl:\(cpu)", "package-\(package)-die-\(cpu)", watts: watts, start: start)
      }
    }
    return machine
  }

  private static let zones: [ComposedMachine] = [
    // As an ordinary user, who may read the packages' energy only.
    ["core", "uncore", "dram"].enumerated().reduce(
      ComposedMachine.intel("zones-of-root", model: 0x9E).zone("intel-rapl:0", "package-0", watts: 100, mode: 0o444)
        .gives(100, saying: ["core", "uncore", "DRAM"])
    ) { $0.zone("intel-rapl:0:\($1.offset)", $1.element, .failed(errno: EACCES)) },
    .intel("zone-without-a-range", model: 0x9E).zone("intel-rapl:0", "package-0", watts: 100)
      .zone("intel-rapl:0:0", "dram", range: "0").gives(100, saying: ["DRAM"]),
    .intel("zones-twice", model: 0x97).zone("intel-rapl:0", "package-0", start: 900).zone(
      "intel-rapl-mmio:0", "package-0", start: 900),
    ComposedMachine(
      "centaur-with-zones", cpuinfo: ComposedMachine.cpuinfo("CentaurHauls", family: 7, model: 0x3B, name: "Test CPU")
    ).zone("intel-rapl:0", "package-0", watts: 25).gives(25),
    ComposedMachine(
      "centaur-with-zones-of-two-dies",
      cpuinfo: ComposedMachine.cpuinfo("CentaurHauls", family: 7, model: 0x5B, name: "Test CPU"), dies: 2
    ).zone("intel-rapl:0", "package-0-die-0", watts: 25).zone("intel-rapl:1", "package-0-die-1", watts: 15).gives(40),
  ]

  private static let registers: [ComposedMachine] = [
    .intel("psys-that-stands", model: 0x9E).intelRegisters([core], watts: 20).registers([psys: [123_456, 123_456]])
      .gives(20),
    .intel("one-counter-for-four-packages", model: 0x55, packages: 4)
      .intelRegisters(cpus: [0, 2, 4, 6]).counter(0x611, cpus: [0, 2, 4, 6], watts: 50, start: 7000).gives(50),
    .intel("two-counters-for-four-packages", model: 0x55, packages: 4)
      .intelRegisters(cpus: [0, 2, 4, 6]).counter(0x611, cpus: [0, 4], watts: 50, start: 7000)
      .counter(0x611, cpus: [2, 6], watts: 30, start: 900_000).gives(80),
    // The second shows what the first showed one update ago.
    .intel("one-counter-under-two-names-of-which-one-follows", model: 0x55, packages: 2)
      .intelRegisters(cpus: [0, 2]).counter(0x611, cpus: [0], watts: 50, start: 101_638)
      .counter(0x611, cpus: [2], watts: 50, start: 100_000)
      .refused("may be one counter", doctor: "may be one counter"),
    .intel("one-zone-under-two-names-of-which-one-follows", model: 0x55, packages: 2)
      .zone("intel-rapl:0", "package-0", watts: 50, start: 100_000)
      .zone("intel-rapl:1", "package-1", watts: 50, start: 200_000)
      .refused("may be one counter", doctor: "may be one counter"),
    .intel("psys-of-two-packages-that-is-one", model: 0x9E, packages: 2).intelRegisters(cpus: [0, 2], watts: 60)
      .counter(psys, cpus: [0, 2], watts: 200, start: 90_000)
      .gives(120, saying: ["Of psys, package 1 shows the same energy counter as package 0"]),
    .intel("two-packages-that-were-reset-together", model: 0x55, packages: 2)
      .intelRegisters(cpus: [0, 2]).counter(0x611, cpus: [0], watts: 50, start: 100_000)
      .counter(0x611, cpus: [2], watts: 55, start: 100_000).gives(105),
    .intel("two-packages-that-idle-alike", model: 0x55, packages: 2).intelRegisters(cpus: [0, 2], watts: 40).gives(80),
    // The first package's lowest CPUs are kept free for a task: they are not asked.
    .intel("isolated-cpus", model: 0x9E).topology([0: (0, 0, 0), 1: (0, 0, 1), 2: (0, 0, 2)])
      .text("sys/devices/system/cpu/isolated", "0-1\n").intelRegisters(cpus: [2], watts: 31).gives(31),
    .intel("tickless-cpus", model: 0x9E).topology([0: (0, 0, 0), 1: (0, 0, 1)])
      .text("sys/devices/system/cpu/nohz_full", "0\n").intelRegisters(cpus: [1], watts: 31).gives(31),
  ]
}
