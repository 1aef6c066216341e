internal import Logging
internal import PowerSources
internal import RAPL

/// The choice of an energy source.
public enum SourceChoice: String, Sendable, CaseIterable {
  /// The energy registers, else the kernel's energy events, else powercap.
  case auto
  /// The energy registers.
  case msr
  /// The energy registers, whose nodes the service manager has opened.
  case passed
  /// The kernel's energy events.
  case perf
  /// The kernel's own reading of the registers.
  case powercap
  /// A program that the service runs.
  case turbostat
  /// Invented watts.
  case simulated

  /// The domains to read beside the packages, if the machine has them.
  private static let domains = Set(PowerDomain.allCases)

  /// Opens the source of energy, and gives its name; nil for turbostat, which gives watts.
  ///
  /// - Parameter passed: the register nodes that the service manager has opened.
  func open(
    root: String?, passed: PassedRegisters? = nil, logger: Logger
  ) throws -> (source: any EnergySource, name: String)? {
    let log: SourceLog = { logger.warning("\($0)") }
    switch self {
    case .turbostat: return nil
    case .msr, .passed:
      do throws(SourceError) {
        let source = try EnergySources.msr(root: root, domains: Self.domains, through: passed, log: log)
        return (source, Self.msr.rawValue)
      } catch {
        throw NothingToMeasure(registers: error, root: root)
      }
    case .perf:
      do throws(SourceError) {
        return (try EnergySources.perf(domains: Self.domains, log: log), rawValue)
      } catch {
        throw NothingToMeasure(perf: error, root: root)
      }
    case .powercap:
      do throws(SourceError) {
        return (try EnergySources.powercap(root: root, domains: Self.domains, log: log), rawValue)
      } catch {
        throw NothingToMeasure(powercap: error, root: root)
      }
    case .simulated: return (try EnergySources.simulated(domains: Self.domains), rawValue)
    case .auto:
      let found = try EnergySources.firstThatMeasures(root: root, domains: Self.domains, log: log)
      if let note = EnergySources.note(on: found.door, closed: found.closed) { logger.info("\(note)") }
      return (found.source, found.door.rawValue)
    }
  }
}
