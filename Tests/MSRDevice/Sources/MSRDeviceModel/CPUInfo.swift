/// Whose /proc/cpuinfo a composed machine has.
public enum CPUInfo: String, CaseIterable, Sendable {
  /// A Skylake client.
  case intel
  /// A Zen 3 desktop, which announces RAPL.
  case amd
  /// A Skylake server, whose DRAM unit is 2^-16 J whatever its unit register says.
  case skx
  /// A Sapphire Rapids server, whose DRAM unit is its unit register's.
  case spr

  /// The text for packages of so many CPUs each.
  func text(packages: Int, cpusPerPackage: Int, threadsPerCore: Int) -> String {
    (0..<packages * cpusPerPackage).map { cpu in
      """
      processor\t: \(cpu)
      \(identity)
      physical id\t: \(cpu / cpusPerPackage)
      siblings\t: \(cpusPerPackage)
      core id\t\t: \(cpu % cpusPerPackage / threadsPerCore)
      cpu cores\t: \((cpusPerPackage + threadsPerCore - 1) / threadsPerCore)
      power management:\(powerManagement)


      """
    }.joined()
  }

  private var identity: String {
    switch self {
    case .intel: intel(model: 94)
    case .skx: intel(model: 85)
    case .spr: intel(model: 143)
    case .amd:
      "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 33\nmodel name\t: Simulated AMD CPU\nstepping\t: 0"
    }
  }

  private func intel(model: Int) -> String {
    "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: \(model)\nmodel name\t: Simulated Intel CPU\nstepping\t: 3"
  }

  private var powerManagement: String {
    switch self {
    case .intel, .skx, .spr: ""
    case .amd: " ts ttp tm hwpstate cpb eff_freq_ro [13] [14]"
    }
  }
}
