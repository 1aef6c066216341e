internal import CMSRShim
public import PowerClient
public import PowerProtocol
internal import RAPL
public import SystemCalls

/// Runs commands, and measures the energy that is drawn while they run.
public struct RunMeter: ~Copyable {
  private let signals: CommandSignals
  private var feed: SampleFeed

  /// A meter on a connection that has had no requests yet.
  public init(_ connection: consuming PowerConnection, _ signals: consuming CommandSignals) throws(RunFailure) {
    let feed: SampleFeed
    do {
      feed = try SampleFeed(connection)
    } catch {
      throw RunFailure(error, signals)
    }
    self.feed = feed
    self.signals = signals
  }

  /// The service's description of itself.
  public var info: ServiceInfo { feed.info }
  /// How long a window is, in seconds.
  public var windowSeconds: Double { feed.windowSeconds }

  /// Measures idle power for this many seconds or a little more.
  public mutating func idle(seconds: Double) throws(RunFailure) -> IdlePower {
    var tally = EnergyTally(from: try reading(), windowSeconds: windowSeconds)
    let end = tally.first.seconds + seconds
    while tally.last.seconds < end || tally.second == tally.last {
      tally.add(try reading(isUrgent: false))
    }
    guard let power = IdlePower(tally, info.policy) else { throw .noIdlePower }
    return power
  }

  /// Runs a command as often as a report wants, and adds the runs to it.
  ///
  /// A run that fails or cannot be measured is the last.
  ///
  /// - Throws: only if the first run was not started.
  public mutating func run(_ words: CommandWords, for report: inout RunReport) throws(RunFailure) {
    while report.runs.count < report.wantedRuns {
      do {
        report.runs.append(try run(words))
      } catch {
        if report.runs.isEmpty { throw error }
        report.stopped = "Stopped: \(error)"
        report.failure = error
        return
      }
      guard let last = report.runs.last, report.runs.count < report.wantedRuns else { return }
      if last.end != .exited(0) {
        report.stopped = "Stopped: \(last.end)."
        return
      }
      if case .failure = last.energy {
        report.stopped = "Stopped: a command that cannot be measured is not repeated."
        return
      }
    }
  }

  /// Runs a command to its end.
  ///
  /// - Throws: only if it was not started, or cannot be waited for.
  public mutating func run(_ words: CommandWords) throws(RunFailure) -> RunOutcome {
    var tally = EnergyTally(from: try reading(), windowSeconds: windowSeconds)
    let command = try RunningCommand(words, signals)
    let (end, problem) = try follow(command, &tally)
    let span = CommandSpan(start: command.startSeconds, end: Double(cmsr_monotonic_nanoseconds()) / 1e9)
    let energy = problem.map { .failure($0) } ?? finish(&tally, span)
    return RunOutcome(end: end, seconds: span.seconds, energy: energy)
  }

  /// Takes samples until a command has ended. If there are no more samples, it still waits for the command.
  private mutating func follow(
    _ command: RunningCommand, _ tally: inout EnergyTally
  ) throws(RunFailure) -> (end: CommandEnd, problem: RunFailure?) {
    var problem: RunFailure?
    while true {
      if let end = try command.attend(signals) { return (end, problem) }
      guard problem == nil else {
        try signals.wait()
        continue
      }
      do {
        if case .arrived(let sample) = try feed.next(or: signals.descriptor, until: .max),
          let point = EnergyPoint(sample)
        {
          tally.add(point, notBefore: command.startSeconds)
        }
      } catch {
        problem = .service(error)
      }
    }
  }

  /// Waits for the readings up to a span's end, unless a signal arrives.
  private mutating func finish(_ tally: inout EnergyTally, _ span: CommandSpan) -> Result<RunEnergy, RunFailure> {
    let deadline = cmsr_monotonic_nanoseconds() + Int64(nanosecondsIn: patienceSeconds)
    while true {
      if let energy = RunEnergy(tally, during: span, info.policy) { return .success(energy) }
      do throws(RunFailure) {
        tally.add(try point(until: deadline, hurries: true), notBefore: span.start)
      } catch {
        return .failure(error)
      }
    }
  }

  /// The next fresh reading.
  ///
  /// - Parameter isUrgent: whether to ask for it as soon as possible.
  private mutating func reading(isUrgent: Bool = true) throws(RunFailure) -> EnergyPoint {
    let deadline = cmsr_monotonic_nanoseconds() + Int64(nanosecondsIn: patienceSeconds)
    if isUrgent { feed.hurry() }
    let point = try point(until: deadline, hurries: false)
    let age = Double(cmsr_monotonic_nanoseconds()) / 1e9 - point.seconds
    // Milliseconds on the wire may be rounded up.
    guard age > -0.001, age < patienceSeconds else { throw .otherClock }
    return point
  }

  /// The next fresh reading.
  ///
  /// - Parameters:
  ///   - deadline: by CLOCK_MONOTONIC, in nanoseconds.
  ///   - hurries: whether to ask for each sample as soon as possible, until one is fresh.
  private mutating func point(until deadline: Int64, hurries: Bool) throws(RunFailure) -> EnergyPoint {
    var reason: String?
    while true {
      if hurries { feed.hurry() }
      let event: WaitEvent<SampleReport>
      do { event = try feed.next(or: signals.descriptor, until: deadline) } catch { throw RunFailure(error, signals) }
      switch event {
      case .arrived(let sample):
        if let point = EnergyPoint(sample) { return point }
        reason = sample.reason
      case .other: if let signal = signals.ending() { throw .interrupted(signal: signal) }
      case .timeout: throw .noReading(seconds: patienceSeconds, reason: reason)
      }
    }
  }

  /// A sample that is later than this will not come.
  private var patienceSeconds: Double { 3 + 2.5 * max(windowSeconds, info.intervalSeconds) }
}

/// A command's run: how it ended, and the energy that was drawn in it, or why that is unknown.
public struct RunOutcome: Sendable {
  /// How it ended.
  public var end: CommandEnd
  /// How long it took.
  public var seconds: Double
  /// The energy, or why it is unknown.
  public var energy: Result<RunEnergy, RunFailure>

  /// An outcome from its parts.
  public init(end: CommandEnd, seconds: Double, energy: Result<RunEnergy, RunFailure>) {
    self.end = end
    self.seconds = seconds
    self.energy = energy
  }
}
