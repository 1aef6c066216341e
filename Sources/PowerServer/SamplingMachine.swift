internal import PowerProtocol
internal import PowerSources
internal import RAPL

/// Decides when the service reads its counters, and who gets the result. It has no I/O: it takes events, and returns actions.
///
/// It sleeps as soon as the last client has left, and then reads only before counters wrap. A client that wakes it gets the mean
/// since the latest public reading, so a client that polls sees all energy since its last poll. If that reading is too old, the
/// client gets a short window of its own. Both end on a grid that all connections share. Public readings are one shortest window
/// apart, less the tolerance of the grid; trusted clients have readings in between.
struct SamplingMachine {
  private typealias Waking = SamplingState.Waking

  /// The shortest time between two readings that wait for a step.
  private static let shortestPause: Int64 = 1_000_000

  /// How late a reading may be without leaving the next one without domains.
  private static let slack: Int64 = 20_000_000

  let settings: ServerSettings
  private let status: PowerLine.Status
  private let trustedStep: Int64
  private let grid: SamplingGrid
  /// The grid of all public streams, which includes the service's own points.
  let publicGrid: SamplingGrid
  private let trustedGrid: SamplingGrid
  /// The grid on which windows begin for clients that wake the service. It is finer, and includes the public grid, so that a line
  /// comes within 300 ms.
  private let wakingGrid: SamplingGrid

  private(set) var state: SamplingState
  private var clients = 0
  var streams: SampleStreams
  /// The clients that wait for domains; nil if there are none.
  var domainsWait: DomainsWait?
  private(set) var needs: CounterNeeds
  /// The latest sample, and the boot time at the end of its window.
  private(set) var latest: (window: PowerWindow, end: Int64)?
  /// The service's own windows.
  private var meter = PowerMeter()
  /// The start of the present window.
  private var windowBegan: Int64
  private(set) var reads: LatestReads
  /// The time until which domains are read for clients that have asked for a sample, because they may ask again.
  private var domainsUntil = Int64.min
  /// When the reading is due that a trusted client asked for; .max if there is none.
  private var freshTime = Int64.max
  /// Whether anyone wants domains in it.
  private var hasFreshDomains = false
  private var lastFreshRead: Int64 = 0
  private var hasComplained = false

  /// Begins the first window.
  ///
  /// - Parameter trustedStep: the grid of trusted clients, in nanoseconds.
  init(
    begun: EnergySnapshot, needs: CounterNeeds, settings: ServerSettings, trustedStep: Int64, status: PowerLine.Status
  ) {
    self.settings = settings
    self.status = status
    self.needs = needs
    self.trustedStep = trustedStep
    let start = begun.readings.map(\.monotonicNanoseconds).max() ?? 0
    windowBegan = start
    reads = LatestReads(begun, at: start)
    grid = SamplingGrid(
      first: start + settings.firstWindow, interval: settings.interval, shortestGap: settings.shortestPublicGap)
    publicGrid = SamplingGrid(
      first: grid.first, interval: settings.publicStep, shortestGap: settings.shortestPublicGap)
    wakingGrid = SamplingGrid(first: grid.first, interval: max(settings.firstWindow / 5, 1), shortestGap: 0)
    trustedGrid = SamplingGrid(first: grid.first, interval: trustedStep, shortestGap: 0)
    streams = SampleStreams(settings, trustedStep: trustedStep)
    state = .starting(next: grid.first)
    _ = meter.measure(begun)
  }

  /// Takes an event.
  ///
  /// - Returns: the actions, in order.
  mutating func handle(_ event: SamplingEvent, at moment: Moment) -> [SamplingAction] {
    if case .sampling(let next) = state, isStale(at: moment) { state = .stale(next: next) }
    let now = moment.monotonic
    var actions: [SamplingAction] = []
    switch event {
    case .started: break
    case .alarm: return [.read(order(at: now))]
    case .reading(let reading):
      needs = reading.needs
      reads.note(reading, at: now)
      switch state {
      case _ where !reading.order.isForState:
        handOut(reading.snapshot, isPublic: reading.order.isPublic, at: moment, &actions)
      case .asleep: readAsleep(reading.snapshot, at: moment, &actions)
      case .waking(let waking) where waking.beginsWindow: beginWindow(reading.snapshot, waking, at: moment, &actions)
      case .starting, .sampling, .stale, .waking: sample(reading.snapshot, at: moment, &actions)
      }
      if awaitsDomains, reading.order.isPublic { countDomainsReading(&actions) }
    case .clientCame:
      clients += 1
      guard case .asleep = state else { return [] }
      wake(at: now)
    case .clientLeft:
      clients -= 1
      guard clients == 0, rest() else { return [] }
      actions.append(.pulse(isAsleep: true))
    case .subscribed(let key):
      streams.begin(key, phase: grid.first, start: isAsleep ? nil : reads.publicSnapshot, now: now)
    case .streamEnded(let key): streams.end(key)
    case .sampleAsked:
      domainsUntil = now + settings.domainsPatience
      guard askForDomains(at: moment) else { return [] }
    case .domainsUnwanted: endDomainsWait()
    case .freshAsked(let domains):
      if domains { hasFreshDomains = true }
      guard freshTime == .max else { return [] }
      freshTime = max(trustedGrid.next(after: now), max(lastFreshRead, reads.lastPublic) + trustedStep)
    }
    actions.append(.setAlarm(at: alarmTime))
    return actions
  }

  /// Whether there is no client, or one that waits for the first sample after a sleep.
  var isAsleep: Bool { state.isAsleep }

  func isStale(at moment: Moment) -> Bool {
    latest.map { moment.boottime - $0.end > settings.staleAge } ?? false
  }

  /// The first point of all grids.
  var firstPoint: Int64 { grid.first }

  // MARK: - When to read

  /// No public reading is made before this time: many connections together, with any requests, must not show shorter windows than
  /// a single one (PLATYPUS, CVE-2020-8694).
  private var earliestPublic: Int64 {
    switch state {
    // After a late reading the next one also comes at a point of the grid. Otherwise every following one would be late.
    case .sampling, .stale: publicGrid.next(after: reads.lastPublic)
    case .starting, .asleep, .waking: reads.lastPublic + settings.shortestPublicGap
    }
  }

  /// The same for public streams: while a client waits for the sample that wakes the service, a reading for a stream just before
  /// it would delay that sample.
  private var earliestPublicStream: Int64 {
    if case .waking(let waking) = state { max(earliestPublic, waking.next) } else { earliestPublic }
  }

  /// The earliest of all due times.
  private var alarmTime: Int64 {
    var time = min(max(state.next, earliestPublic), freshTime, reads.last + needs.longestGap)
    // A step is seen when it happens, even asleep: a client that connects then waits for one step at most.
    if let steps = needs.steps { time = min(time, max(steps.nextReadNanoseconds, reads.last + Self.shortestPause)) }
    if let due = streams.due(earliestPublic: earliestPublicStream) { time = min(time, due) }
    return time
  }

  /// The reading for which the alarm was set: for the state, for a client, or to prevent a wrap.
  private func order(at now: Int64) -> ReadOrder {
    let isForState = now >= state.next && now >= earliestPublic
    let isPublic = isForState || streams.isPublicDue(at: now, earliestPublic: earliestPublicStream)
    return ReadOrder(
      isForState: isForState, isPublic: isPublic, hasDomains: areDomainsWanted(at: now, isPublic: isPublic))
  }

  /// Whether to read domains. They cost a register each, so they are read on request, and for public samples. If they cost a
  /// register and an interrupt for each core, they are read only on request, or before a core wraps.
  private func areDomainsWanted(at now: Int64, isPublic: Bool) -> Bool {
    if let longestCoreGap = needs.longestCoreGap {
      return now < domainsUntil || hasFreshDomains && now + trustedStep / 10 >= freshTime
        || streams.takeDomains(at: now, isPublic: isPublic)
        || streams.haveDomains && now + needs.longestGap - reads.lastFull >= longestCoreGap
    }
    func isDue(since last: Int64) -> Bool { now - last >= ServerSettings.shortestPublicWindow - Self.slack }
    // A trusted client's reading in between must not leave the public sample without domains.
    return !streams.isEmpty || freshTime < .max || isDue(since: reads.lastFull)
      || isPublic && isDue(since: reads.lastFullPublic)
  }

  // MARK: - What comes of a reading

  /// Makes a public sample, at a point of the grid or for a client that woke the service.
  private mutating func sample(_ snapshot: EnergySnapshot, at moment: Moment, _ actions: inout [SamplingAction]) {
    let now = moment.monotonic
    switch meter.measure(snapshot) {
    case .window(let window):
      windowBegan = now
      recover(&actions)
      if let line = PowerLine(window.sample, status: status) {
        let end = window.sample.endMonotonicNanoseconds + snapshot.asleepNanoseconds
        latest = (window, end)
        // The time asleep has only one mean.
        let coversSleep = isAsleep && window.sample.windowNanoseconds > settings.interval * 3 / 2
        let answersDomains = awaitsDomains && settleDomains(window, at: now, &actions)
        actions.append(
          .publish(
            window, line, staleFrom: end + settings.staleAge, asleepNanoseconds: snapshot.asleepNanoseconds,
            coversSleep: coversSleep))
        if answersDomains { actions.append(.answerDomains(nil)) }
      } else {
        actions += [.unsayable(watts: window.sample.watts), .missed]
      }
    case .none(let reason):
      if reason.beginsWindow { windowBegan = now }
      if let waking = retry(reason, at: now) {
        state = .waking(waking)
        return
      }
      if !isBetweenSteps(reason, at: now) {
        fail(reason, at: moment, &actions)
        actions.append(.missed)
      } else if waitsForStep(at: now) {
        return
      } else {
        actions.append(isStale(at: moment) ? .missed : .repeatLatest)
      }
    }
    handOut(snapshot, isPublic: true, at: moment, &actions)
    goOn(at: moment, &actions)
  }

  /// Reads while the service sleeps, before a counter wraps.
  private mutating func readAsleep(
    _ snapshot: EnergySnapshot, at moment: Moment, _ actions: inout [SamplingAction]
  ) {
    // An odd value is settled by the next reading, which comes soon.
    if let reason = settle(snapshot, at: moment, &actions), !reason.isOdd, !isBetweenSteps(reason, at: moment.monotonic)
    {
      fail(reason, at: moment, &actions)
    }
    fallAsleep()
    actions.append(.pulse(isAsleep: true))
  }

  /// A client has connected: its window lasts from now to the next sample.
  private mutating func beginWindow(
    _ snapshot: EnergySnapshot, _ waking: Waking, at moment: Moment, _ actions: inout [SamplingAction]
  ) {
    let now = moment.monotonic
    guard let reason = settle(snapshot, at: moment, &actions), !isBetweenSteps(reason, at: now) else {
      state = .waking(
        Waking(beginsWindow: false, next: firstWindowEnd(begun: now), isRetrying: waking.isRetrying))
      return
    }
    if let waking = retry(reason, at: now) {
      state = .waking(waking)
      return
    }
    fail(reason, at: moment, &actions)
    // Without a reading the client gets the latest sample as stale, no later than it would get a fresh one.
    actions.append(.missed)
    goOn(at: moment, &actions)
  }

  /// Takes a reading that is not for clients.
  ///
  /// - Returns: why it does not begin a new window; nil if it does.
  private mutating func settle(
    _ snapshot: EnergySnapshot, at moment: Moment, _ actions: inout [SamplingAction]
  ) -> NoSample? {
    switch meter.measure(snapshot) {
    case .window(let window):
      windowBegan = moment.monotonic
      recover(&actions)
      actions.append(
        .keep(
          window, PowerLine(window.sample, status: status), asleepNanoseconds: snapshot.asleepNanoseconds))
      return nil
    case .none(let reason) where reason.beginsWindow:
      fail(reason, at: moment, &actions)
      windowBegan = moment.monotonic
      return nil
    case .none(let reason):
      reads.publicSnapshot = nil
      return reason
    }
  }

  /// Gives a reading to all other clients that wait for one.
  private mutating func handOut(
    _ snapshot: EnergySnapshot, isPublic: Bool, at moment: Moment, _ actions: inout [SamplingAction]
  ) {
    let now = moment.monotonic
    if !streams.isEmpty {
      let stale = isStale(at: moment) ? latest?.window : nil
      var samples = streams.take(snapshot, now: now, isPublic: isPublic, stale: stale)
      if awaitsDomains { takeDomainsWindow(&samples, &actions) }
      if !samples.isEmpty { actions.append(.stream(samples)) }
    }
    guard now >= freshTime else { return }
    freshTime = .max
    hasFreshDomains = false
    lastFreshRead = now
    actions.append(.answerFresh(snapshot, isBetweenSteps: isStepDue(at: now)))
  }

  // MARK: - From state to state

  private mutating func wake(at now: Int64) {
    // A reading that could not be used may have been made just now: the point has to be one at which a public reading may be made.
    let point = wakingGrid.next(after: max(now, earliestPublic - 1))
    let isRecent = point - windowBegan <= settings.longestWakingWindow
    state = .waking(
      Waking(
        beginsWindow: !isRecent, next: isRecent ? max(point, earliestWindowEnd(begun: windowBegan)) : point,
        isRetrying: false))
  }

  /// The point of the grid at which a window may end. Without the grid, each reading that is a little late would make all that
  /// follow later, for a client that wakes the service again and again.
  private func earliestWindowEnd(begun: Int64) -> Int64 {
    let tolerance = settings.shortestWindow - settings.shortestPublicGap
    return wakingGrid.next(after: begun + settings.firstWindow - tolerance - 1)
  }

  /// When a client's window ends that begins now: if it begins so late that it would miss its point, the client waits no further.
  private func firstWindowEnd(begun now: Int64) -> Int64 {
    min(earliestWindowEnd(begun: now), now + settings.firstWindow)
  }

  /// The last client has left.
  ///
  /// - Returns: whether the service now falls asleep.
  private mutating func rest() -> Bool {
    guard latest != nil else { return false }
    if case .asleep = state { return false }
    fallAsleep()
    return true
  }

  private mutating func fallAsleep() {
    endDomainsWait()
    state = .asleep(next: reads.last + settings.longestSleep)
  }

  /// Continues from point to point while there are clients.
  private mutating func goOn(at moment: Moment, _ actions: inout [SamplingAction]) {
    let next = grid.next(after: reads.last)
    // Who waited for the first sample was told.
    if case .sample = domainsWait { domainsWait = nil }
    if clients == 0 {
      fallAsleep()
    } else if latest == nil {
      state = .starting(next: next)
    } else {
      state = isStale(at: moment) ? .stale(next: next) : .sampling(next: next)
    }
    actions.append(.pulse(isAsleep: isAsleep))
  }

  /// Reads once more before telling the client that woke the service that there is no reading. An odd value, such as the 0 that
  /// AMD parts sometimes read, is settled by the next one; after a suspend or a reset the next one ends a window. Only once: a
  /// counter that stays odd must not keep a client waiting.
  private func retry(_ reason: NoSample, at now: Int64) -> Waking? {
    guard case .waking(let waking) = state, !waking.isRetrying, reason.isOdd || reason.beginsWindow else { return nil }
    return Waking(beginsWindow: waking.beginsWindow, next: firstWindowEnd(begun: now), isRetrying: true)
  }

  /// Waits for the counters' next step, if a client has no line yet.
  private mutating func waitsForStep(at now: Int64) -> Bool {
    let next = firstWindowEnd(begun: now)
    switch state {
    case .waking(let waking):
      state = .waking(Waking(beginsWindow: false, next: next, isRetrying: waking.isRetrying))
    case .starting: state = .starting(next: next)
    case .sampling, .stale, .asleep: return false
    }
    return true
  }

  // MARK: - Why there is no sample

  /// Whether there is no sample only because the counters move in steps, and the next step is not due yet.
  private func isBetweenSteps(_ reason: NoSample, at now: Int64) -> Bool {
    guard case .idle = reason else { return false }
    return isStepDue(at: now)
  }

  /// Whether the counters move in steps, and the next step may still be ahead.
  private func isStepDue(at now: Int64) -> Bool {
    guard let steps = needs.steps, let start = meter.start else { return false }
    return now - start.firstNanoseconds <= steps.periodNanoseconds * 5 / 2
  }

  /// Decides whether to warn: a single bad reading is not worth a warning, but a service that became stale is, once.
  private mutating func fail(_ reason: NoSample, at moment: Moment, _ actions: inout [SamplingAction]) {
    var isComplaint = false
    if case .first = reason {} else { isComplaint = !hasComplained && (latest == nil || isStale(at: moment)) }
    hasComplained = hasComplained || isComplaint
    actions.append(.failed(reason, isComplaint: isComplaint))
  }

  private mutating func recover(_ actions: inout [SamplingAction]) {
    guard hasComplained else { return }
    hasComplained = false
    actions.append(.recovered)
  }
}
