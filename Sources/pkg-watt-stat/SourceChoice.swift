internal import ArgumentParser
internal import Logging
internal import PowerSources
internal import RAPL

/// Where energy comes from.
enum SourceChoice: String, ExpressibleByArgument, CaseIterable {
  case auto
  case msr
  case powercap
  case turbostat
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
    case .auto: return try Self.firstThatMeasures(root: root, logger: logger)
    }
  }

  private static func firstThatMeasures(
    root: String?, logger: Logger
  ) throws(NothingToMeasure) -> (source: any EnergySource, name: String) {
    let log: SourceLog = { logger.warning("\($0)") }
    let noRegisters: SourceError
    do {
      return (try EnergySources.msr(root: root, domains: domains, log: log), msr.rawValue)
    } catch {
      noRegisters = error
    }
    do {
      let source = try EnergySources.powercap(root: root, domains: domains, log: log)
      logger.info("Measuring by powercap instead of by msr registers. \(noRegisters)")
      return (source, powercap.rawValue)
    } catch {
      throw NothingToMeasure(registers: noRegisters, powercap: error)
    }
  }
}

/// No source can measure this machine. Simulated watts are never a silent substitute.
struct NothingToMeasure: Error, CustomStringConvertible {
  let registers: SourceError
  let powercap: SourceError

  var description: String {
    // Both may say the same, and of a CPU without registers the kernel has no zones. Some end with a command, others with a
    // full stop.
    let texts = isOfNoUse || "\(registers)" == "\(powercap)" ? ["\(registers)"] : ["\(registers)", "\(powercap)"]
    let reasons = texts.map { $0.hasSuffix(".") ? $0 : $0 + "." }.joined(separator: " ")
    return "This machine's power cannot be measured. \(reasons) To see what this machine lacks: pkg-watt-stat doctor. "
      + "To try the service with invented watts: --source simulated"
  }

  /// Whether loading the kernel's module would not help.
  private var isOfNoUse: Bool {
    switch (registers, powercap) {
    case (.notAnnounced, .noPowercap), (.olderThanRAPL, .noPowercap), (.unknownVendor, .noPowercap): true
    default: false
    }
  }
}
