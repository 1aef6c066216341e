internal import CMSRShim
internal import Glibc
public import PowerSources
internal import RAPL
public import Turbostat

/// Measures the same machine twice at the same time, and compares.
public struct CrossCheck {
  /// The references to compare with.
  public enum Against {
    /// turbostat, over its own intervals.
    case turbostat(Turbostat)
    /// Another source of energy, read by us.
    case source(any EnergySource, name: String)

    /// Its name.
    public var name: String {
      switch self {
      case .turbostat: "turbostat"
      case .source(_, let name): name
      }
    }
  }

  /// How long and how strictly to compare.
  public struct Settings: Sendable {
    /// The duration in seconds of windows. Starting the reference takes longer.
    public var durationSeconds: Double
    /// The length of a window, in seconds.
    public var intervalSeconds: Double
    /// How much a mean may differ, in percent.
    public var tolerancePercent: Double

    /// Settings from their parts.
    public init(durationSeconds: Double, intervalSeconds: Double, tolerancePercent: Double) {
      self.durationSeconds = durationSeconds
      self.intervalSeconds = intervalSeconds
      self.tolerancePercent = tolerancePercent
    }
  }

  /// The progress so far, of the first reference.
  public struct Progress: Sendable {
    /// The number of windows so far.
    public let windows: Int
    /// The number of windows in all.
    public let wantedWindows: Int
    /// Our watts in the latest window of the first package.
    public let ours: Double
    /// The reference's watts in the same window.
    public let reference: Double
  }

  /// The time between our readings, in milliseconds.
  private static let readingMilliseconds: Int32 = 20
  /// How long a reference may take beyond its windows, in seconds, to start and to deliver.
  private static let slackSeconds = 8.0

  private var source: any EnergySource
  private let settings: Settings
  private var track: EnergyTrack
  private var tallies: [CrossCheckTally]

  /// A cross-check of `source`, which is read from now on.
  public init(_ source: any EnergySource, against references: [Against], settings: Settings) {
    self.source = source
    self.settings = settings
    let interval = Int64(nanosecondsIn: settings.intervalSeconds)
    let period = source.steps?.periodNanoseconds ?? 0
    track = EnergyTrack(
      keeping: Int64(nanosecondsIn: 4 * settings.intervalSeconds + Self.slackSeconds), period: period)
    tallies = references.map { reference in
      switch reference {
      case .turbostat(let turbostat): CrossCheckTally(TurbostatReference(turbostat), isStepping: period > 0)
      case .source(let source, let name):
        CrossCheckTally(
          SourceReference(source, name: name, intervalNanoseconds: interval), isStepping: period > 0)
      }
    }
  }

  /// Measures until every reference has given its windows, has failed, or the interrupt descriptor becomes readable.
  ///
  /// - Returns: one report for each reference, in their order.
  public mutating func run(interrupt: Int32, _ progress: (Progress) -> Void) -> [CrossCheckReport] {
    let wanted = max(Int(clamping: settings.durationSeconds / settings.intervalSeconds), 2)
    for index in tallies.indices { tallies[index].reference.begin() }
    let start = cmsr_monotonic_nanoseconds()
    let longest = Double(wanted + 2) * settings.intervalSeconds + Self.slackSeconds
    var reported = 0
    while Double(cmsr_monotonic_nanoseconds() - start) / 1e9 < longest {
      track.record(source.read())
      for index in tallies.indices { tallies[index].collect(track) }
      if let first = tallies.first, let latest = first.latest, first.windows > reported {
        reported = first.windows
        progress(
          Progress(windows: reported, wantedWindows: wanted, ours: latest.ours, reference: latest.reference))
      }
      let waited = Double(cmsr_monotonic_nanoseconds() - start) / 1e9
      let patience = 2 * settings.intervalSeconds + Self.slackSeconds
      if tallies.allSatisfy({
        $0.windows >= wanted || ($0.windows == 0 && $0.reference.trouble != nil && waited > patience)
      }) {
        break
      }
      if cmsr_wait_readable(-1, interrupt, pause) == ECANCELED { break }
    }
    for tally in tallies { tally.reference.end() }
    return tallies.map { $0.report(ourChannels: track.channels, tolerancePercent: settings.tolerancePercent) }
  }

  /// How long until the next reading, in milliseconds: a step has to be seen when it happens.
  private var pause: Int32 {
    guard let steps = source.steps else { return Self.readingMilliseconds }
    let wait = (steps.nextReadNanoseconds - cmsr_monotonic_nanoseconds()) / 1_000_000
    return min(max(Int32(clamping: wait), 1), Self.readingMilliseconds)
  }
}
