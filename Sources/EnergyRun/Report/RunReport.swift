public import PowerProtocol

/// What a command cost, in one run or several.
public struct RunReport: Sendable {
  /// The command and its arguments.
  public var command: [String]
  /// Where energy comes from, as the service says it.
  public var source: String
  /// Whether it is invented.
  public var isSimulated: Bool
  /// How finely energy is known.
  public var resolution: Resolution
  /// How long the windows are that a peak is looked for in, in seconds.
  public var windowSeconds: Double
  /// What was drawn before; nil where that was not asked for.
  public var idle: IdlePower?
  /// How many runs were asked for.
  public var wantedRuns: Int
  /// The runs.
  public var runs: [RunOutcome] = []
  /// Why there were no more; nil where all were done.
  public var stopped: String?
  /// What kept the next run from being started; nil where nothing did.
  public var failure: RunFailure?

  /// A report without runs.
  public init(
    command: [String], info: ServiceInfo, windowSeconds: Double, idle: IdlePower? = nil, wantedRuns: Int = 1
  ) {
    self.command = command
    source = info.source
    isSimulated = info.isSimulated
    resolution = Resolution(info.policy)
    self.windowSeconds = windowSeconds
    self.idle = idle
    self.wantedRuns = wantedRuns
  }

  /// The last run's exit code, or that of what kept the next from being started.
  public var exitCode: Int32 { failure?.exitCode ?? runs.last?.end.exitCode ?? 0 }

  /// How long the runs took, in seconds.
  var seconds: Spread { Spread(runs.map(\.seconds)) }

  /// The runs that were measured.
  var measured: [RunEnergy] {
    runs.compactMap { if case .success(let energy) = $0.energy { energy } else { nil } }
  }

  /// What each channel drew in all of the measured runs.
  var summaries: [(channel: EnergyChannel, summary: ChannelSummary)] {
    let measured = measured
    return Set(measured.flatMap(\.channels.keys)).sorted().compactMap { channel in
      ChannelSummary(channel, in: measured, idle: idle).map { (channel, $0) }
    }
  }

  /// What could not be measured, for people.
  var problems: [String] {
    runs.enumerated().compactMap { index, run in
      guard case .failure(let problem) = run.energy else { return nil }
      return (wantedRuns == 1 ? "Not measured: " : "Run \(index + 1) was not measured: ") + "\(problem)"
    }
  }
}
