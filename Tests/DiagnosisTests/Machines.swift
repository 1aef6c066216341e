import Foundation
import PowerSources

/// The machines that the doctor has to know.
enum Machines {
  /// PP0, PP1, DRAM, psys
  private static let core: UInt32 = 0x639
  private static let uncore: UInt32 = 0x641
  private static let dram: UInt32 = 0x619
  private static let psys: UInt32 = 0x64D

  static let all: [ComposedMachine] = measurable + unmeasurable

  static let measurable: [ComposedMachine] = [
    .intel("intel-client", model: 0x9E).intelRegisters([core, uncore, dram]).registers([psys: [0], 0xBC: [0]])
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "core").zone("intel-rapl:0:1", "uncore")
      .zone("intel-rapl:1", "psys").zone("intel-rapl-mmio:0", "package-0"),
    .intel("intel-server-two-sockets", model: 0x55, packages: 2).intelRegisters([dram], cpus: [0, 2])
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:1", "package-1").zone("intel-rapl:0:0", "dram")
      .zone("intel-rapl:1:0", "dram").gives(85),
    .intel("cascade-lake-ap-dies", model: 0x55, dies: 2).intelRegisters([dram], cpus: [0, 2]).gives(85),
    .intel("sapphire-rapids", model: 0x8F, packages: 2).intelRegisters([dram], cpus: [0, 2]).registers([psys: [7]])
      .gives(85),
    .intel("platform-that-stands", model: 0x9E).intelRegisters([dram]).registers([psys: [123_456]])
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "dram").zone("intel-rapl:1", "psys", .read([123_456])),
    .intel("a-capture-that-lacks-domains", model: 0x9E).intelRegisters([core]).lacks(dram, psys),
    .amd("amd-with-an-isolated-core", family: 0x19).amdRegisters(cores: [0, 1])
      .text("sys/devices/system/cpu/isolated", "1\n"),
    .intel("bay-trail", model: 0x37).intelRegisters([core], units: 0x505, joules: 32e-6),
    .amd("amd-17h", family: 0x17).amdRegisters().zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "core"),
    .amd("amd-19h-several-dies", family: 0x19, dies: 4).amdRegisters(),
    .amd("amd-1Ah-two-sockets", family: 0x1A, packages: 2).amdRegisters(cpus: [0, 2], cores: [0, 1, 2, 3]).gives(85),
    .intel("hybrid", model: 0x97, dies: 1).intelRegisters([core, uncore]).text("sys/devices/cpu_core/cpus", "0\n")
      .text("sys/devices/cpu_atom/cpus", "1\n"),
    .intel("offline-cpus", model: 0x9E).intelRegisters([core], cpus: [1])
      .text("sys/devices/system/cpu/online", "1\n").text("sys/devices/system/cpu/present", "0-3\n")
      .text("sys/devices/system/cpu/cpu0/online", "0\n"),
    .intel("unknown-model", model: 0xEE).intelRegisters(),
    // As a hypervisor may compose it: its model says nothing, its registers do.
    ComposedMachine(
      "old-model-whose-registers-work",
      cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 15, model: 6, name: "Common KVM processor")
    ).intelRegisters(),
    .intel("energy-filtering", model: 0xA7).intelRegisters([core]).registers([0xBC: [1]]),
    .intel("energy-for-everybody", model: 0x9E).intelRegisters([core]).zone("intel-rapl:0", "package-0")
      .permissions("sys/class/powercap/intel-rapl:0/energy_uj", 0o444),
    .intel("open-side-channels", model: 0x9E).intelRegisters([core]).zone("intel-rapl:0", "package-0", mode: 0o444)
      .permissions("sys/bus/event_source/devices/power", 0o755).text("proc/sys/kernel/perf_event_paranoid", "-1\n")
      .answer("what opens energy_uj", "/etc/udev/rules.d/99-rapl.rules /etc/tmpfiles.d/rapl.conf")
      .answer("programs that read powercap", "btop mangohud s-tui"),
    .intel("inside-of-its-own-tree", model: 0x9E).intelRegisters([core]).zone("intel-rapl:0", "package-0", mode: 0o444)
      .answer("own tree sys/class/powercap/intel-rapl:0/energy_uj", "yes").answer(
        "programs that read powercap", "btop"),
    .intel("closed-side-channels", model: 0x9E).intelRegisters([core]).zone("intel-rapl:0", "package-0")
      .permissions("sys/bus/event_source/devices/power", 0o755).text("proc/sys/kernel/perf_event_paranoid", "1\n")
      .answer("what opens energy_uj", "").answer("programs that read powercap", "powerstat"),
    .intel("lockdown-that-reads", model: 0x9E).intelRegisters([core])
      .text("sys/kernel/security/lockdown", "none [integrity] confidentiality\n"),
    .intel("no-module-but-powercap", model: 0x9E).zone("intel-rapl:0", "package-0"),
    ComposedMachine(
      "diamond-rapids",
      cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 19, model: 1, name: "Intel(R) Test CPU")
    ).zone("intel-rapl:0", "package-0"),
    ComposedMachine(
      "zhaoxin-with-powercap",
      cpuinfo: ComposedMachine.cpuinfo("CentaurHauls", family: 7, model: 0x3B, name: "ZHAOXIN KaiXian KX-6640MA")
    ).zone("intel-rapl:0", "package-0"),
    ComposedMachine(
      "shanghai-with-powercap",
      cpuinfo: ComposedMachine.cpuinfo("  Shanghai  ", family: 7, model: 0x5B, name: "ZHAOXIN KaiXian KX-7000")
    ).zone("intel-rapl:0", "package-0"),
    .intel("domains-that-are-roots", model: 0x9E).error("dev/cpu/0/msr", EACCES).error("dev/cpu/1/msr", EACCES)
      .text("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n")
      .zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "core", .failed(errno: EACCES))
      .zone("intel-rapl:0:1", "uncore", .failed(errno: EACCES)),
    .intel("a-domain-without-a-range", model: 0x8F).zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "dram")
      .text("sys/class/powercap/intel-rapl:0:0/max_energy_range_uj", "0\n"),
    .intel("no-thermal-design-power", model: 0x9E).intelRegisters().registers([0x614: [0]]),
    .intel("thermal-design-power-of-4000-W", model: 0x9E).intelRegisters().registers([0x614: [4000 << 3]]),
    .intel("virtual-machine-with-counters", model: 0x9E, flags: "hypervisor").answer("hypervisor", "KVM")
      .intelRegisters(),
    .intel("virtual-machine-with-powercap-alone", model: 0x9E, flags: "hypervisor").answer("hypervisor", "KVM")
      .registers([0x606: [0xA0E03], 0x611: [0x1000, 0x1000]]).zone("intel-rapl:0", "package-0"),
    .intel("no-turbostat-no-service", model: 0x9E).intelRegisters().answer("turbostat", "")
      .answer("service at /run/pkg-watt-stat/pkg-watt-stat.sock", "absent")
      .answer(
        "service at /tmp/pkg-watt-stat.sock", "simulated The service at /tmp/pkg-watt-stat.sock says 9.00 W, simulated."
      ),
  ]

  static let unmeasurable: [ComposedMachine] = [
    .intel("energy-unit-of-exponent-31", model: 0x9E).intelRegisters().registers([0x606: [0xA1F03]]),
    .intel("microjoules-of-exponent-31", model: 0x37).intelRegisters().registers([0x606: [0xA1F03]]),
    .intel("a-package-without-a-range", model: 0x9E).zone("intel-rapl:0", "package-0")
      .text("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "0\n"),
    .intel("westmere-ex-whose-registers-fault", model: 0x2F).error("dev/cpu/1/msr", ENXIO).registers([0x1A0: [0]])
      .text("sys/class/dmi/id/sys_vendor", "Dell Inc.\n"),
    ComposedMachine(
      "pentium-4-in-a-virtual-machine-without-its-flag",
      cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 15, model: 6, name: "Common KVM processor")
    ).registers([0x606: [0], 0x611: [0]]).text("sys/class/dmi/id/product_name", "KubeVirt\n"),
    .intel("virtual-machine", model: 0x55, flags: "hypervisor").registers([0x606: [0], 0x611: [0]])
      .answer("hypervisor", "KVM"),
    .amd("virtual-machine-amd", family: 0x19, flags: "hypervisor").answer("hypervisor", "Hyper-V"),
    .intel("westmere-ex", model: 0x2F, packages: 2).registers([0x1A0: [0]]),
    .intel("nehalem-ex-without-module", model: 0x2E),
    .intel("westmere-in-a-virtual-machine", model: 0x25, flags: "hypervisor").registers([0x606: [0], 0x611: [0]])
      .answer("hypervisor", "KVM"),
    ComposedMachine(
      "netburst", cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 15, model: 4, name: "Intel(R) Xeon(TM)")),
    ComposedMachine(
      "amd-bulldozer",
      cpuinfo: ComposedMachine.cpuinfo("AuthenticAMD", family: 0x15, model: 2, name: "AMD FX(tm)-8350")),
    .intel("no-module", model: 0x9E),
    .intel("no-permission", model: 0x9E).withoutRights.zone("intel-rapl:0", "package-0", .failed(errno: EACCES)),
    .intel("lockdown", model: 0x9E).text("sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
      .error("dev/cpu/0/msr", EPERM).error("dev/cpu/1/msr", EPERM),
    .intel("container", model: 0x9E).permissions(".dockerenv", 0o755).permissions("sys/module/msr", 0o755)
      .text("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n").text(
        "sys/kernel/security/lockdown", nil),
    .intel("container-without-root", model: 0x9E).withoutRights.permissions(".dockerenv", 0o755),
    ComposedMachine(
      "virtual-machine-that-announces-nothing",
      cpuinfo: ComposedMachine.cpuinfo("AuthenticAMD", family: 25, model: 17, name: "AMD EPYC", flags: "hypervisor")
    ).withoutRights.answer("hypervisor", "KVM").answer("service at /run/pkg-watt-stat/pkg-watt-stat.sock", "absent")
      .answer(
        "service at /tmp/pkg-watt-stat.sock", "simulated The service at /tmp/pkg-watt-stat.sock says 9.00 W, simulated."
      ),
    ComposedMachine(
      "container-in-a-virtual-machine-that-announces-nothing",
      cpuinfo: ComposedMachine.cpuinfo("AuthenticAMD", family: 25, model: 17, name: "AMD EPYC", flags: "hypervisor")
    ).withoutRights.answer("hypervisor", "KVM").permissions(".dockerenv", 0o755),
    .intel("container-in-a-virtual-machine", model: 0x9E, flags: "hypervisor").answer("hypervisor", "KVM")
      .permissions(".dockerenv", 0o755).permissions("sys/module/msr", 0o755),
    .intel("stuck-counter", model: 0x9E).registers([0x606: [0xA0E03], 0x611: [0x1000, 0x1000]])
      .zone("intel-rapl:0", "package-0", .read([250_000])),
    .intel("register-faults", model: 0x9E).registers([0x614: [0]]).faults(0x606, 0x611),
    ComposedMachine(
      "another-vendor", cpuinfo: ComposedMachine.cpuinfo("CentaurHauls", family: 6, model: 15, name: "VIA")),
    ComposedMachine("nothing-there", cpuinfo: "").text("sys/devices/system/cpu/online", nil).text(
      "proc/self/status", nil
    )
    .text("sys/kernel/security/lockdown", nil),
    .captured,
    .intel("kubernetes-that-masks-powercap", model: 0x55, packages: 2)
      .text("proc/self/cgroup", "0::/kubepods.slice/cri-containerd-1.scope\n").maskedZones(
        "intel-rapl:0", "intel-rapl:1"
      )
      .text("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n"),
    .amd("masked-powercap-of-an-unknown-container", family: 0x19).maskedZones("intel-rapl:0"),
    .intel("root-of-a-user-namespace", model: 0x9E).error("dev/cpu/0/msr", EACCES).error("dev/cpu/1/msr", EACCES)
      .text("proc/self/uid_map", "         0       1000          1\n")
      .zone("intel-rapl:0", "package-0", .failed(errno: EACCES)),
    // The machine's root in a namespace of its own: the files are its own, and the driver asks for the machine's capability.
    .intel("root-of-a-user-namespace-of-its-own", model: 0x9E).error("dev/cpu/0/msr", EPERM)
      .error("dev/cpu/1/msr", EPERM).text("proc/self/uid_map", "         0          0          1\n"),
    .intel("virtual-machine-without-its-flag", model: 0x9E).registers([0x606: [0], 0x611: [0]])
      .text("sys/class/dmi/id/sys_vendor", "QEMU\n"),
    .intel("virtual-machine-by-its-devices", model: 0x8F)
      .text("sys/bus/pci/devices/0000:00:0f.0/vendor", "0x15ad\n"),
    ComposedMachine(
      "no-vendor", cpuinfo: ComposedMachine.cpuinfo("", family: 6, model: 0x9E, name: "")
    ).intelRegisters(),
  ]
}

extension ComposedMachine {
  /// A virtual machine as `doctor --capture` wrote it down, its cpuinfo cut to the first processor and few flags.
  fileprivate static let captured = ComposedMachine(
    "captured-cloud-machine",
    cpuinfo: """
      processor\t: 0
      vendor_id\t: AuthenticAMD
      cpu family\t: 25
      model\t\t: 17
      model name\t: AMD EPYC
      flags\t\t: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat hypervisor lahf_lm
      power management:

      """
  )
  .answer("hypervisor", "KVM").answer("turbostat", "/usr/sbin/turbostat\nturbostat version 2022.10.04 - Len Brown\n")
  .answer("service at /run/pkg-watt-stat/pkg-watt-stat.sock", "absent").answer(
    "service at /tmp/pkg-watt-stat.sock", "absent"
  )
  .permissions(".dockerenv", 0o755).text("sys/kernel/security/lockdown", nil)
  .error("sys/class/powercap", ENOENT).error("dev/cpu/0/msr", ENOENT).error("dev/cpu/1/msr", ENOENT)
}
