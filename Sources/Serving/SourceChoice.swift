internal import Logging
internal import PowerSources
internal import RAPL

/// Where energy comes from.
public enum SourceChoice: String, Sendable, CaseIterable {
  /// The energy registers, else powercap.
  case auto
  /// The energy registers.
  case msr
  /// The kernel's reading of them.
  case powercap
  /// A program that is run.
  case turbostat
  /// Invented watts.
  case simulated

  /// What is read beyond the packages, where the machine has it.
  private static let domains = Set(PowerDomain.allCases)

  /// Opens the source of energy, and says which it is; nil for turbostat, which delivers watts.
  func open(root: String?, logger: Logger) throws -> (source: any EnergySource, name: String)? {
    let log: SourceLog = { logger.warning("\($0)") }
    switch self {
    case .turbostat: return nil
    case .msr: return (try EnergySources.msr(root: root, domains: Self.domains, log: log), rawValue)
    case .powercap: return (try EnergySources.powercap(root: root, domains: Self.domains, log: log), rawValue)
    case .simulated: return (try EnergySources.simulated(domains: Self.domains), rawValue)
    case .auto:
      let found = try EnergySources.firstThatMeasures(root: root, domains: Self.domains, log: log)
      guard let error = found.noRegisters else { return (found.source, Self.msr.rawValue) }
      logger.info("Measuring by powercap instead of by msr registers. \(error)")
      return (found.source, Self.powercap.rawValue)
    }
  }
}
