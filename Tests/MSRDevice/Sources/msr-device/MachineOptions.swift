internal import ArgumentParser
internal import Foundation
internal import MSRDeviceModel
internal import PowerSources

/// What the simulated machine is like.
struct MachineOptions: ParsableArguments {
  /// What packages draw.
  enum Load: String, ExpressibleByArgument, CaseIterable {
    case constant
    case pulses
    case desktop
  }

  @Option(
    help: ArgumentHelp("What a package draws; once for each package. One package of 42.5 W without it.", valueName: "W")
  )
  var watts: [Double] = []

  @Option(
    help:
      "constant: the watts of --watts. pulses: these on average, most of them in the first 0.2 s of each second. desktop: 6 to 65 W, changing; --watts then only counts the packages."
  )
  var load = Load.constant

  @Option(help: ArgumentHelp("CPUs in each package: package 0 has the first ones.", valueName: "N"))
  var cpusPerPackage = 2

  @Option(help: ArgumentHelp("CPUs that share a core, and so its energy register on AMD.", valueName: "N"))
  var threadsPerCore = 1

  @Option(
    help: ArgumentHelp(
      "What every counter reads at the start, decimal or hexadecimal behind 0x. A wrap comes after (2^32 - N) / 16384 J.",
      valueName: "N"),
    transform: { text in
      guard let value = UInt32(number: text) else { throw ValidationError("\(text) is no 32-bit number.") }
      return value
    })
  var counterStart: UInt32 = 0x0100_0000

  @Option(help: ArgumentHelp("Time from counter update to counter update.", valueName: "us"))
  var updatePeriodUs = 1000

  @Option(
    help: ArgumentHelp(
      "How late an update may be, less than the period; 200, or less for short periods.", valueName: "us"))
  var updateJitterUs: Int?

  @Option(
    help: ArgumentHelp(
      "What register 0x606 says, in place of 0xA0E03 (2^-14 J). The counters go on as before, so the watts are wrong.",
      valueName: "N"),
    transform: { text in
      guard let value = UInt32(number: text) else { throw ValidationError("\(text) is no 32-bit number.") }
      return value
    })
  var units: UInt32?

  @Option(
    help: ArgumentHelp(
      "What registers read in place of all that, one of some CPUs a line, and all others 0: CPUS ADDRESS value V, or CPUS ADDRESS counter START COUNTS_PER_SECOND BITS, or CPUS ADDRESS trace START COUNTS_PER_JOULE BITS FILE, or CPUS ADDRESS model START COUNTS_PER_JOULE BITS FILE, or CPUS ADDRESS eio. A model's FILE has parts, one a line: NAME floor WATTS, NAME pulses WATTS SECONDS, NAME cgroup JOULES FOLDER (for each CPU second), or NAME rest JOULES (for each other one). A trace's FILE has the watts of each millisecond, as little-endian 32-bit floating-point numbers; the command play plays it, and until then and after it the power is its last.",
      valueName: "file"),
    transform: { try RegisterPlan(String(contentsOfFile: $0, encoding: .utf8)) })
  var registers: RegisterPlan?

  @Option(
    help:
      "Whose proc/cpuinfo --tree writes: a Skylake client's, a Zen 3 desktop's, a Skylake or Sapphire Rapids server's.")
  var cpuinfo = CPUInfo.intel

  private var jitter: Int { updateJitterUs ?? min(200, updatePeriodUs / 5) }
  private var loads: [SimulatedLoad] {
    let watts = watts.isEmpty ? [42.5] : watts
    return switch load {
    case .constant: watts.map { .constant(watts: $0) }
    case .pulses: watts.map { .pulses(watts: $0) }
    case .desktop: watts.indices.map { .desktop(seed: UInt64($0) + 1) }
    }
  }

  func validate() throws {
    guard watts.allSatisfy({ $0 >= 0 && $0 <= 1_000_000 }) else {
      throw ValidationError("--watts is a number from 0 to 1000000.")
    }
    guard watts.count <= 64, (1...1024).contains(cpusPerPackage) else {
      throw ValidationError("There can be 64 packages, and 1 to 1024 CPUs in each.")
    }
    guard (1...cpusPerPackage).contains(threadsPerCore) else {
      throw ValidationError("--threads-per-core is from 1 to the package's \(cpusPerPackage) CPUs.")
    }
    guard (1...1_000_000_000).contains(updatePeriodUs) else {
      throw ValidationError("--update-period-us is from 1 to 1000000000.")
    }
    guard (0..<updatePeriodUs).contains(jitter) else {
      throw ValidationError("--update-jitter-us is 0 or more, and less than the period of \(updatePeriodUs).")
    }
  }

  /// The CPU that this describes, its counters beginning now.
  func cpu() -> FaultyCPU {
    FaultyCPU(
      packages: loads, cpusPerPackage: cpusPerPackage, threadsPerCore: threadsPerCore, counterStart: counterStart,
      updates: SimulatedCPU.Updates(period: Int64(updatePeriodUs) * 1000, jitter: Int64(jitter) * 1000),
      units: units.map { UInt64($0) }, plan: registers)
  }

  /// Composes the machine's other files in a folder, and gives the folder to mount on.
  func compose(in folder: String) throws -> String {
    try MachineFolder.compose(
      in: folder, packages: loads.count, cpusPerPackage: cpusPerPackage, threadsPerCore: threadsPerCore,
      cpuinfo: cpuinfo)
  }
}
