internal import CMSRShim
internal import Glibc
public import PowerSources
internal import RAPL

/// Measures the same machine twice at the same time, and compares.
public struct CrossCheck {
  /// The progress so far, of the first reference: the number of windows so far and in all, and our watts and the reference's in the
  /// latest window of the first package.
  public typealias Progress = (windows: Int, wantedWindows: Int, ours: Double, reference: Double)

  /// The time between our readings, in milliseconds.
  private static let readingMilliseconds: Int32 = 20
  /// How long a reference may take beyond its windows, in seconds, to start and to deliver.
  private static let slackSeconds = 8.0

  private var source: any EnergySource
  private let durationSeconds: Double
  private let intervalSeconds: Double
  private let tolerancePercent: Double
  private var track: EnergyTrack
  private var tallies: [CrossCheckTally]

  /// A cross-check of `source`, which is read from now on.
  ///
  /// - Parameters:
  ///   - durationSeconds: the duration of all windows. Starting the reference takes longer.
  ///   - intervalSeconds: the length of a window.
  ///   - tolerancePercent: how much a mean may differ.
  public init(
    _ source: any EnergySource, against references: [any Reference], durationSeconds: Double, intervalSeconds: Double,
    tolerancePercent: Double
  ) {
    self.source = source
    self.durationSeconds = durationSeconds
    self.intervalSeconds = intervalSeconds
    self.tolerancePercent = tolerancePercent
    let period = source.steps?.periodNanoseconds ?? 0
    track = EnergyTrack(keeping: Int64(nanosecondsIn: 4 * intervalSeconds + Self.slackSeconds), period: period)
    tallies = references.map { CrossCheckTally($0, isStepping: period > 0) }
  }

  /// Measures until every reference has given its windows, has failed, or the interrupt descriptor becomes readable.
  ///
  /// - Returns: one report for each reference, in their order.
  public mutating func run(interrupt: Int32, _ progress: (Progress) -> Void) -> [CrossCheckReport] {
    let wanted = max(Int(clamping: durationSeconds / intervalSeconds), 2)
    for index in tallies.indices { tallies[index].reference.begin() }
    let start = cmsr_monotonic_nanoseconds()
    let longest = Double(wanted + 2) * intervalSeconds + Self.slackSeconds
    var reported = 0
    while Double(cmsr_monotonic_nanoseconds() - start) / 1e9 < longest {
      track.record(source.read())
      for index in tallies.indices { tallies[index].collect(track) }
      if let first = tallies.first, let latest = first.latest, first.windows > reported {
        reported = first.windows
        progress((reported, wanted, latest.ours, latest.reference))
      }
      let waited = Double(cmsr_monotonic_nanoseconds() - start) / 1e9
      let patience = 2 * intervalSeconds + Self.slackSeconds
      if tallies.allSatisfy({
        $0.windows >= wanted || ($0.windows == 0 && $0.reference.trouble != nil && waited > patience)
      }) {
        break
      }
      if cmsr_wait_readable(-1, interrupt, -1, pause) == ECANCELED { break }
    }
    for tally in tallies { tally.reference.end() }
    return tallies.map { $0.report(ourChannels: track.channels, tolerancePercent: tolerancePercent) }
  }

  /// How long until the next reading, in milliseconds: a step has to be seen when it happens.
  private var pause: Int32 {
    guard let steps = source.steps else { return Self.readingMilliseconds }
    let wait = (steps.nextReadNanoseconds - cmsr_monotonic_nanoseconds()) / 1_000_000
    return min(max(Int32(clamping: wait), 1), Self.readingMilliseconds)
  }
}
