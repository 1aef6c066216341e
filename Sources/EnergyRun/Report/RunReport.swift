public import PowerProtocol

/// The energy of a command, in one run or several.
public struct RunReport: Sendable {
  /// The command and its arguments.
  public var command: [String]
  /// The service's description of itself, with the policy that says how finely this client may know energy. A trusted client may
  /// ask for readings at any moment. For others they come on a grid, and a command shares its first and last window with others.
  public var info: ServiceInfo
  /// The length of the windows in which a peak is looked for, in seconds.
  public var windowSeconds: Double
  /// Idle power before the command; nil if it was not asked for.
  public var idle: IdlePower?
  /// How many runs were asked for.
  public var wantedRuns: Int
  /// The runs.
  public var runs: [RunOutcome] = []
  /// Why there were no more runs; nil if all were done.
  public var stopped: String?
  /// Why the next run was not started; nil if it was.
  public var failure: RunFailure?

  /// A report without runs.
  public init(
    command: [String], info: ServiceInfo, windowSeconds: Double, wantedRuns: Int = 1
  ) {
    self.command = command
    self.info = info
    self.windowSeconds = windowSeconds
    self.wantedRuns = wantedRuns
  }

  /// The last run's exit code, or that of the failure to start the next.
  public var exitCode: Int32 { failure?.exitCode ?? runs.last?.end.exitCode ?? 0 }

  /// How long the runs took, in seconds.
  var seconds: Spread { Spread(runs.map(\.seconds)) }

  /// The runs that were measured.
  var measured: [RunEnergy] {
    runs.compactMap { if case .success(let energy) = $0.energy { energy } else { nil } }
  }

  /// The energy of each channel over all measured runs.
  var summaries: [(channel: EnergyChannel, summary: ChannelSummary)] {
    let measured = measured
    return Set(measured.flatMap(\.channels.keys)).sorted().compactMap { channel in
      ChannelSummary(channel, in: measured, idle: idle).map { (channel, $0) }
    }
  }

  /// Whether the runs were so short that mean power is unknown: it may be off by more than itself. A domain alone does not tell,
  /// because it may draw next to nothing.
  var isTooShort: Bool { summaries.first.map { $0.summary.uncertaintyWatts > $0.summary.watts.mean } ?? false }

  /// Why runs were not measured, as sentences.
  var problems: [String] {
    runs.enumerated().compactMap { index, run in
      guard case .failure(let problem) = run.energy else { return nil }
      return (wantedRuns == 1 ? "Not measured: " : "Run \(index + 1) was not measured: ") + problem.afterStart
    }
  }
}
