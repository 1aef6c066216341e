internal import ArgumentParser
internal import PowerSources
internal import RAPL

/// Where energy comes from.
enum SourceChoice: String, ExpressibleByArgument, CaseIterable {
  case auto
  case msr
  case simulated
  case turbostat

  /// Opens the source of energy; nil for turbostat, which delivers watts.
  func open(root: String?) throws -> (any EnergySource)? {
    switch self {
    case .turbostat: return nil
    case .msr: return try EnergySources.msr(root: root)
    case .simulated: return try EnergySources.simulated()
    case .auto:
      do {
        return try EnergySources.msr(root: root)
      } catch {
        throw NothingToMeasure(reason: error)
      }
    }
  }
}

/// No source can measure this machine. Simulated watts are never a silent substitute.
struct NothingToMeasure: Error, CustomStringConvertible {
  let reason: SourceError

  var description: String {
    "This machine's power cannot be measured. \(reason) To try the service with invented watts: --source simulated"
  }
}
