import ArgumentParser
import Foundation
import MSRDeviceModel
import PowerSources

@main
struct MSRDevice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "msr-device",
    abstract: "Serves simulated CPU registers as files N/msr, as the kernel's msr driver serves real ones.",
    discussion: """
      Reads of 8 bytes at offset R give register R. Prints "ready" once mounted; ends, unmounted, on SIGTERM or SIGINT.

      Faults are switched by writing a line to the file control in the mount:
        reset PACKAGE               its counters restart from 0 and go on
        set PACKAGE VALUE           its counters jump to VALUE and go on from there
        zero PACKAGE COUNT|on|off   the next reads of its counters give 0
        eio PACKAGE COUNT|on|off    the next reads of its counters fail with EIO
        freeze PACKAGE on|off       its counters stand still, and later go on from where they stood
        enxio CPU on|off            that CPU is offline: opening and reading fail with ENXIO
      """)

  @Argument(help: "The folder to mount on.")
  var mountPoint: String?

  @Option(help: "Compose a whole machine in this folder and mount on its dev/cpu, for pkg-watt-stat serve --root.")
  var tree: String?

  @Option(help: "What a package draws, in watts; once for each package.")
  var watts: [Double] = []

  @Flag(help: "A changing load, as a desktop has, in place of constant watts; one package unless --watts is repeated.")
  var desktop = false

  @Option(help: "CPUs in each package.")
  var cpusPerPackage = 2

  @Option(help: "What the counters read at the start: decimal, or hexadecimal behind 0x.", transform: parseCounter)
  var counterStart: UInt32 = 0x0100_0000

  @Option(help: "Microseconds from counter update to counter update.")
  var updatePeriod = 1000

  @Option(help: "How late an update may be, in microseconds.")
  var updateJitter = 200

  @Option(help: "Whose cpuinfo --tree writes: intel or amd.", transform: parseVendor)
  var cpuinfo: MachineFolder.Vendor = .intel

  func validate() throws {
    guard (mountPoint == nil) != (tree == nil) else { throw ValidationError("Give either a mount point or --tree.") }
    guard cpusPerPackage > 0, cpusPerPackage <= 1024, watts.count <= 64 else {
      throw ValidationError("There can be 1 to 1024 CPUs in a package, and 64 packages.")
    }
    guard watts.allSatisfy({ $0 >= 0 && $0 < 1e6 }) else { throw ValidationError("Watts are from 0 to a million.") }
    guard updatePeriod > 0, updateJitter >= 0, updateJitter < updatePeriod else {
      throw ValidationError("Updates need a period above 0 and a jitter below the period.")
    }
  }

  func run() throws {
    let constant = watts.isEmpty ? [42.5] : watts
    let loads: [SimulatedLoad] =
      desktop ? constant.indices.map { .desktop(seed: UInt64($0) + 1) } : constant.map { .constant(watts: $0) }
    let cpu = SimulatedCPU(
      packages: loads, cpusPerPackage: cpusPerPackage, counterStart: counterStart,
      updates: SimulatedCPU.Updates(period: Int64(updatePeriod) * 1000, jitter: Int64(updateJitter) * 1000))
    let folder =
      if let tree {
        try MachineFolder.compose(in: tree, packages: loads.count, cpusPerPackage: cpusPerPackage, vendor: cpuinfo)
      } else {
        mountPoint ?? ""
      }
    let status = FileSystem.serve(FaultyCPU(cpu), on: folder)
    if status != 0 { throw ExitCode(status) }
  }
}

private func parseCounter(_ text: String) throws -> UInt32 {
  guard let value = UInt32(number: text) else { throw ValidationError("\(text) is no 32-bit number.") }
  return value
}

private func parseVendor(_ text: String) throws -> MachineFolder.Vendor {
  guard let vendor = MachineFolder.Vendor(rawValue: text) else { throw ValidationError("\(text) is not intel or amd.") }
  return vendor
}
