import Foundation
import PowerSources
import RAPL

@testable import PowerSources

/// Machines as they are sold, each of its vendor's and family's: composed, with the domains that its model has.
enum OrdinaryMachines {
  static let all = intel + amd

  private static let core: UInt32 = 0x639
  private static let uncore: UInt32 = 0x641
  private static let dram: UInt32 = 0x619

  private static let intel: [ComposedMachine] = [
    .intel("sandy-bridge", model: 0x2A).intelRegisters([core, uncore], watts: 35, units: 0xA1003, joules: 1 / 65_536)
      .gives(35),
    .intel("ivy-bridge-ep-two-sockets", model: 0x3E, packages: 2)
      .intelRegisters([core, dram], cpus: [0, 2], watts: 95.25, units: 0xA1003, joules: 1 / 65_536).gives(190.5),
    .intel("haswell", model: 0x3C).intelRegisters([core, uncore, dram], watts: 65).gives(65),
    .intel("haswell-ep-two-sockets", model: 0x3F, packages: 2).intelRegisters([dram], cpus: [0, 2], watts: 120).gives(
      240),
    .intel("avoton", model: 0x4D).intelRegisters([core], watts: 14).gives(14),
    .intel("airmont", model: 0x4C).intelRegisters([core], watts: 4, units: 0x505, joules: 32e-6).gives(4),
    .intel("goldmont", model: 0x5C).intelRegisters([core, uncore, dram], watts: 6).gives(6),
    .intel("knights-landing", model: 0x57).intelRegisters([dram], watts: 215).gives(215),
    .intel("ice-lake-server-two-sockets", model: 0x6A, packages: 2).intelRegisters([dram], cpus: [0, 2], watts: 180)
      .gives(360),
    .intel("lunar-lake", model: 0xBD).intelRegisters([core, uncore], watts: 17).gives(17),
    .intel("granite-rapids-two-sockets", model: 0xAD, packages: 2).intelRegisters([dram], cpus: [0, 2], watts: 500)
      .gives(1000),
    ComposedMachine(
      "nova-lake", cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 18, model: 1, name: "Intel(R) Test CPU")
    ).intelRegisters([core, uncore], watts: 28).gives(28),
  ]

  private static let amd: [ComposedMachine] = [
    .amd("zen-3-desktop", family: 0x19, model: 0x21).amdRegisters(watts: 88, cores: [0, 1]).gives(88),
    .amd("milan-two-sockets", family: 0x19, packages: 2, dies: 4).amdRegisters(
      cpus: [0, 8], watts: 225, cores: Array(0..<16)
    ).gives(450),
    .amd("zen-4-draws-1150-watts", family: 0x19, model: 0x61).amdRegisters(watts: 1150, cores: [0, 1]).gives(1150),
    .amd("zen-5-draws-1400-watts", family: 0x1A, model: 0x44).amdRegisters(watts: 1400, cores: [0, 1]).gives(1400),
    .amd("genoa-counters-of-64-bits", family: 0x19, model: 0x11).amdRegisters(watts: 300, cores: [0, 1])
      .moves(
        .register(Capture.Register(cpu: 0, address: 0xC001_029B)),
        CounterMotion(start: 0x7_FFFF_FFF0, perSecond: 300 * 65_536, milliseconds: 2, bits: 64)
      ).gives(300),
    .amd("hygon-one-socket", vendor: "HygonGenuine", family: 0x18, model: 4).amdRegisters(watts: 120, cores: [0, 1])
      .gives(120),
  ]
}
