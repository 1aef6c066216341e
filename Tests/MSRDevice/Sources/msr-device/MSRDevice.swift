internal import ArgumentParser
internal import MSRDeviceModel
internal import PowerSources

@main
struct MSRDevice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "msr-device",
    abstract: "Serves simulated CPU registers as files N/msr, as the kernel's msr driver serves real ones.",
    discussion: """
      Prints "ready" once mounted. Ends, unmounted, on SIGTERM or SIGINT. Needs root, or user_allow_other in \
      /etc/fuse.conf.

      Files in the mount, which every user may open:
        N/msr     a pread of 8 bytes at offset R gives register R of CPU N, little-endian; of 8 * n bytes, the same
                  register n times; of another size, EINVAL. Of an offset the low 32 bits count. Registers: 0x606
                  (0xA0E03: 2^-14 J), 0x611 (energy), 0x614 (95 W), 0xC0010299 (0xA1000: 2^-16 J), 0xC001029B
                  (energy); and the energy of core (0x639, 0xC001029A), uncore (0x641), DRAM (0x619) and psys
                  (0x64D), fixed shares of the package's. 0xC001029A is each core's own: the second
                  core draws twice as much as the first, and so on. All others read 0. Use pread: read moves on to the next registers, unlike the driver's.
        energy    for each package a line PACKAGE JOULES READS: its number, the joules that its load has drawn since
                  the start (no fault changes them; counters show them one update later), and how many reads of its
                  energy registers were asked for, failed ones included. With a model in --registers, also a line PART JOULES for each
                  of its parts.
        powercap  package and DRAM energy of Intel's registers in microjoules, as files of /sys/class/powercap, of which
                  energy_uj is for root and the device's user only; sys/class/powercap of --tree leads here.
        control   faults are switched by writing here, one command a write. EINVAL: no such command, package, CPU or trace.

      Commands, where COUNTERS are both package energy registers of a package, and VALUE is decimal, or hexadecimal behind 0x:
        reset PACKAGE               its COUNTERS restart from 0 and go on
        set PACKAGE VALUE           its COUNTERS jump to VALUE and go on from there
        zero PACKAGE COUNT|on|off   the next COUNT reads of its COUNTERS, or all, give 0
        eio PACKAGE COUNT|on|off    the next COUNT reads of its COUNTERS, or all, fail with EIO
        freeze PACKAGE on|off       its COUNTERS stand still; off: they go on from where they stood
        enxio CPU on|off            that CPU is offline: opening and reading its msr fail with ENXIO
        play NANOSECONDS            the traces of --registers are read anew, and play from then on, by CLOCK_MONOTONIC

      Example, two packages of which the first wraps after about ten seconds:
        msr-device --tree DIR --watts 42.5 --watts 17.25 --counter-start 0xFF95C000
        pkg-watt-stat serve --root DIR
        echo zero 1 3 > DIR/dev/cpu/control
      """)

  @Argument(help: "The folder to mount on. Not with --tree.")
  var mountPoint: String?

  @Option(
    help: ArgumentHelp(
      "Compose a machine in this empty folder, and mount on its dev/cpu: for pkg-watt-stat serve --root.",
      valueName: "dir"))
  var tree: String?

  @OptionGroup var machine: MachineOptions

  func validate() throws {
    guard (mountPoint == nil) != (tree == nil) else { throw ValidationError("Give either a mount point or --tree.") }
  }

  func run() throws {
    let folder = try tree.map { try machine.compose(in: $0) } ?? mountPoint ?? ""
    let status = FileSystem.serve(machine.cpu(), on: folder)
    if status != 0 { throw ExitCode(status) }
  }
}
