/// A register with a limit on the power of a package, or with what the limits do to it. All are read, and none is ever written.
///
/// Sources: Intel SDM volume 4; Linux drivers/powercap/intel_rapl_msr.c and tools/power/x86/turbostat.
public enum LimitRegister: UInt32, Sendable, CaseIterable {
  /// MSR_PKG_POWER_LIMIT: PL1 and PL2.
  case packageLimits = 0x610
  /// MSR_VR_CURRENT_CONFIG: PL4.
  case peakLimit = 0x601
  /// MSR_PKG_POWER_INFO: the TDP, the least and the greatest power.
  case packageInfo = 0x614
  /// MSR_PLATFORM_POWER_LIMIT: PL1 and PL2 of psys.
  case platformLimits = 0x65C
  /// MSR_PKG_PERF_STATUS: how long the package was throttled.
  case packageThrottling = 0x613
  /// MSR_PP0_PERF_STATUS: how long its cores were.
  case coreThrottling = 0x63B
  /// MSR_DRAM_PERF_STATUS: how long its memory was.
  case dramThrottling = 0x61B
  /// MSR_CORE_PERF_LIMIT_REASONS of Haswell, Broadwell and Xeon Phi. Later CPUs have records of branches there.
  case olderCoreReasons = 0x690
  /// MSR_CORE_PERF_LIMIT_REASONS from Skylake on, and of Atoms from Goldmont on.
  case coreReasons = 0x64F
  /// MSR_GRAPHICS_PERF_LIMIT_REASONS.
  case graphicsReasons = 0x6B0
  /// MSR_RING_PERF_LIMIT_REASONS.
  case ringReasons = 0x6B1
  /// MSR_TEMPERATURE_TARGET: the temperature at which the CPU throttles itself.
  case temperatureTarget = 0x1A2
  /// MSR_PLATFORM_INFO: whether that temperature has an offset.
  case platformInfo = 0xCE
  /// IA32_PACKAGE_THERM_STATUS: how far the package is below that temperature.
  case packageTemperature = 0x1B1

  /// Whether it changes with the power of the moment: then it must not be read at the rate of questions (PLATYPUS, CVE-2020-8694).
  public var revealsPower: Bool {
    switch self {
    case .packageLimits, .peakLimit, .packageInfo, .platformLimits, .temperatureTarget, .platformInfo: false
    case .packageThrottling, .coreThrottling, .dramThrottling, .olderCoreReasons, .coreReasons, .graphicsReasons,
      .ringReasons, .packageTemperature:
      true
    }
  }
}
