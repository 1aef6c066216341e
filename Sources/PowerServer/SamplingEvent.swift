internal import PowerProtocol
internal import PowerSources
internal import RAPL

/// A moment by both clocks, in nanoseconds. They differ by the time for which the machine was suspended.
struct Moment {
  /// Stands still while the machine is suspended: points of the grid are times of this clock.
  let monotonic: Int64
  /// Goes on while the machine is suspended: the age of a sample is a difference of this clock.
  let boottime: Int64
}

/// An event in the sampling of a service.
enum SamplingEvent {
  /// The service has started.
  case started
  /// The time of the latest `setAlarm` has come.
  case alarm
  /// The counters were read, as `SamplingAction.read` asked for.
  case reading(CounterReading)
  /// A client has connected.
  case clientCame
  /// A client has disconnected.
  case clientLeft
  /// A client has subscribed; many may have the same stream.
  case subscribed(SampleStream.Key)
  /// The last client of a stream has left it.
  case streamEnded(SampleStream.Key)
  /// A client has asked for the latest sample with domains. If domains cost a reading of every core, they are then read for a while.
  case sampleAsked
  /// The last client that waited for domains has left.
  case domainsUnwanted
  /// A trusted client has asked for a reading of its own.
  case freshAsked(domains: Bool)
}

/// The actions that the events cause, in order.
enum SamplingAction {
  /// Read the counters now, and report the result at once.
  case read(ReadOrder)
  /// Set the alarm to this monotonic time, instead of the one before.
  case setAlarm(at: Int64)
  /// There is a public sample.
  ///
  /// - Parameters:
  ///   - staleFrom: the boot time after which it is stale.
  ///   - coversSleep: whether it is the mean over a time in which the service slept.
  case publish(PowerWindow, PowerLine, staleFrom: Int64, asleepNanoseconds: Int64, coversSleep: Bool)
  /// The mean over a time asleep: only for the history.
  case keep(PowerWindow, PowerLine?, asleepNanoseconds: Int64)
  /// A point passed without a sample.
  case missed
  /// A point passed, and the counters have not stepped since the latest sample, which is not stale yet.
  case repeatLatest
  /// From now on the clients that wait for the next sample, and asked for domains, wait for `answerDomains`.
  case awaitDomains
  /// Answer the clients that wait for domains, with this window or else with the latest sample.
  case answerDomains(PowerWindow?)
  /// Samples for subscribers.
  case stream([StreamedSample])
  /// Answer the clients that have asked for a reading of their own.
  ///
  /// - Parameter isBetweenSteps: whether counters that have not moved are about to: then there is no fresher sample than the latest.
  case answerFresh(EnergySnapshot, isBetweenSteps: Bool)
  /// Report that the service is alive: at each point, and at each reading while it sleeps.
  case pulse(isAsleep: Bool)
  /// Remember why there is no sample.
  ///
  /// - Parameter isComplaint: whether to log a warning.
  case failed(NoSample, isComplaint: Bool)
  /// Samples are fresh again after a warning.
  case recovered
  /// A line cannot represent these watts.
  case unsayable(watts: Double)
}

/// A reading that has to be made.
struct ReadOrder {
  /// Whether it is the one for which the state waits; otherwise another client wants it.
  let isForState: Bool
  /// Whether it is public.
  let isPublic: Bool
  /// Whether to read domains too.
  let hasDomains: Bool
}

/// A reading that was made.
struct CounterReading {
  let order: ReadOrder
  let snapshot: EnergySnapshot
  let needs: CounterNeeds
}

/// When a source's counters have to be read.
struct CounterNeeds {
  /// How long they may go unread, in nanoseconds.
  let longestGap: Int64
  /// How long the cores' counters may go unread before the core domain is a lower bound, in nanoseconds; nil if domains cost no more than packages.
  let longestCoreGap: Int64?
  /// How they step, if they do.
  let steps: CounterSteps?

  init(_ source: some EnergySource) {
    self.init(
      longestSeconds: source.longestIntervalSeconds, longestCoreSeconds: source.longestCoreIntervalSeconds,
      steps: source.steps)
  }

  init(longestSeconds: Double, longestCoreSeconds: Double? = nil, steps: CounterSteps? = nil) {
    // A little more than the longest sleep, which follows from the same seconds, so that one alarm serves both.
    longestGap = Int64(nanosecondsIn: max(longestSeconds * 1.05, 0.001))
    longestCoreGap = longestCoreSeconds.map { Int64(nanosecondsIn: $0) }
    self.steps = steps
  }
}
