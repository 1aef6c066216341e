internal import PowerProtocol
internal import RAPL

/// When the service reads its counters, and who gets what comes of it. Without I/O: it is told what happens, and says what is to
/// be done.
///
/// It sleeps as soon as the last client has left, and then reads only as often as the counters' wraps need. A client that
/// wakes it gets the mean since the latest public reading, so one that polls sees all that was drawn since it was last there;
/// if that reading is too old, it gets a short window of its own. Both end on a grid that all connections share. Public
/// readings are a shortest window apart, less the tolerance of the grid; the trusted have readings in between.
struct SamplingMachine {
  private typealias Waking = SamplingState.Waking

  /// The shortest time between two readings that wait for a step.
  private static let shortestPause: Int64 = 1_000_000

  /// How late a reading may be without costing the next its domains.
  private static let slack: Int64 = 20_000_000

  private let settings: ServerSettings
  private let status: PowerLine.Status
  private let trustedStep: Int64
  private let grid: SamplingGrid
  /// The points of all public streams, of which the service's are some.
  private let publicGrid: SamplingGrid
  private let trustedGrid: SamplingGrid
  /// Where windows for those who wake it begin: closer points, of which the grid's are some, so that a line comes within 300
  /// ms.
  private let wakingGrid: SamplingGrid

  private(set) var state: SamplingState
  private var clients = 0
  private var streams: SampleStreams
  private var needs: CounterNeeds
  /// The latest sample, and the boot time at which its window ended.
  private var latest: (window: PowerWindow, end: Int64)?
  /// The service's own windows.
  private var meter = PowerMeter()
  /// When the window that goes on began.
  private var windowBegan: Int64
  private var reads: LatestReads
  /// Until when domains are read for those who have asked for a sample, and may ask again.
  private var domainsUntil = Int64.min
  /// When the reading is due that somebody trusted asked for; .max if nobody has.
  private var freshTime = Int64.max
  /// Whether anyone wants domains of it.
  private var hasFreshDomains = false
  private var lastFreshRead: Int64 = 0
  private var hasComplained = false

  /// Begins the first window.
  ///
  /// - Parameter trustedStep: the grid of the trusted, in nanoseconds.
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

  /// Takes in what happens.
  ///
  /// - Returns: what is to be done.
  mutating func handle(_ event: SamplingEvent, at moment: Moment) -> [SamplingAction] {
    if case .sampling(let next) = state, isStale(at: moment) { state = .stale(next: next) }
    let now = moment.monotonic
    var actions: [SamplingAction] = []
    switch event {
    case .started: break
    case .alarm: return [.read(order(at: now))]
    case .reading(let reading): take(reading, at: moment, &actions)
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
      return []
    case .freshAsked(let domains):
      if domains { hasFreshDomains = true }
      guard freshTime == .max else { return [] }
      freshTime = max(trustedGrid.next(after: now), max(lastFreshRead, reads.lastPublic) + trustedStep)
    }
    actions.append(.setAlarm(at: alarmTime))
    return actions
  }

  /// Whether nobody is there, or somebody who waits for the first sample since.
  var isAsleep: Bool { state.isAsleep }

  /// Whether the latest sample answers a client: what was measured before the service fell asleep, or while it slept, is no
  /// answer to a client that woke it, unless it is as young as a service that is awake would give.
  func hasAnswer(at moment: Moment) -> Bool {
    guard let latest else { return false }
    return !isAsleep || moment.boottime - latest.end <= max(settings.interval, settings.updateNanoseconds)
  }

  /// Whether a trusted client may have a reading of its own; otherwise the latest sample is all there is.
  func grantsFresh(at moment: Moment) -> Bool { !isAsleep && latest != nil && !isStale(at: moment) }

  /// What the first window begins with of a client that asks for a reading of its own: the end of the latest one, or, if that
  /// has no domains, the latest reading that has them.
  func freshStart(at moment: Moment) -> EnergySnapshot? {
    guard let end = latest?.window.end else { return nil }
    let isFuller =
      end.readings.count < reads.fullSnapshot.readings.count
      && moment.monotonic - reads.lastFull <= settings.interval
    return isFuller ? reads.fullSnapshot : end
  }

  private func isStale(at moment: Moment) -> Bool {
    latest.map { moment.boottime - $0.end > settings.staleAge } ?? false
  }

  // MARK: - When to read

  /// Before when nothing is read that everybody gets to know of: however many connections somebody has, and whatever they ask
  /// for, together they must not learn of shorter windows than one of them (PLATYPUS, CVE-2020-8694).
  private var earliestPublic: Int64 {
    switch state {
    // After a late reading the next comes at a point too, not as soon as it may: else each would be late that follows.
    case .sampling, .stale: publicGrid.next(after: reads.lastPublic)
    case .starting, .asleep, .waking: reads.lastPublic + settings.shortestPublicGap
    }
  }

  /// The same for public streams: while somebody waits for the sample that wakes the service, a reading for a stream just
  /// before it would put that sample off.
  private var earliestPublicStream: Int64 {
    if case .waking(let waking) = state { max(earliestPublic, waking.next) } else { earliestPublic }
  }

  /// Whatever comes first.
  private var alarmTime: Int64 {
    var time = min(max(state.next, earliestPublic), freshTime, reads.last + needs.longestGap)
    // A step is seen when it happens, asleep too: a client that comes then waits for one at most.
    if let steps = needs.steps { time = min(time, max(steps.nextLookNanoseconds, reads.last + Self.shortestPause)) }
    if let due = streams.due(earliestPublic: earliestPublicStream) { time = min(time, due) }
    return time
  }

  /// The reading for which the alarm was set: the state's, somebody's, or one for the counters' own sake.
  private func order(at now: Int64) -> ReadOrder {
    let isForState = now >= state.next && now >= earliestPublic
    let isPublic = isForState || streams.isPublicDue(at: now, earliestPublic: earliestPublicStream)
    return ReadOrder(
      isForState: isForState, isPublic: isPublic, hasDomains: areDomainsWanted(at: now, isPublic: isPublic))
  }

  /// Domains cost a register each, so they are read for those who ask, and for samples that are good for everybody. If they cost
  /// a register and an interrupt for each core, they are read for those who ask only, or so that no core wraps unseen.
  private func areDomainsWanted(at now: Int64, isPublic: Bool) -> Bool {
    if let longestCoreGap = needs.longestCoreGap {
      return now < domainsUntil || hasFreshDomains && now + trustedStep / 10 >= freshTime
        || streams.takeDomains(at: now, isPublic: isPublic)
        || streams.haveDomains && now + needs.longestGap - reads.lastFull >= longestCoreGap
    }
    func isDue(since last: Int64) -> Bool { now - last >= ServerSettings.shortestPublicWindow - Self.slack }
    // What somebody trusted has read in between must not cost everybody's sample its domains.
    return !streams.isEmpty || freshTime < .max || isDue(since: reads.lastFull)
      || isPublic && isDue(since: reads.lastFullPublic)
  }

  // MARK: - What comes of a reading

  private mutating func take(_ reading: CounterReading, at moment: Moment, _ actions: inout [SamplingAction]) {
    let (now, snapshot) = (moment.monotonic, reading.snapshot)
    needs = reading.needs
    reads.note(reading, at: now)
    guard reading.order.isForState else {
      return handOut(snapshot, isPublic: reading.order.isPublic, at: moment, &actions)
    }
    switch state {
    case .asleep: readAsleep(snapshot, at: moment, &actions)
    case .waking(let waking) where waking.beginsWindow: beginWindow(snapshot, waking, at: moment, &actions)
    case .starting, .sampling, .stale, .waking: sample(snapshot, at: moment, &actions)
    }
  }

  /// At a point of the grid, or for a client that woke the service: a sample for everybody.
  private mutating func sample(_ snapshot: EnergySnapshot, at moment: Moment, _ actions: inout [SamplingAction]) {
    let now = moment.monotonic
    switch meter.measure(snapshot) {
    case .window(let window):
      windowBegan = now
      recover(&actions)
      publish(window, asleep: snapshot.asleepNanoseconds, &actions)
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

  private mutating func publish(_ window: PowerWindow, asleep: Int64, _ actions: inout [SamplingAction]) {
    guard let line = PowerLine(window.sample, status: status) else {
      return actions += [.unsayable(watts: window.sample.watts), .missed]
    }
    let end = window.sample.endMonotonicNanoseconds + asleep
    latest = (window, end)
    actions.append(
      .publish(
        window, line, staleFrom: end + settings.staleAge, asleepNanoseconds: asleep,
        // The time asleep has one mean only.
        coversSleep: isAsleep && window.sample.windowNanoseconds > settings.interval * 3 / 2))
  }

  /// While the service sleeps: no counter may wrap unseen.
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

  /// A client has come: from here to the next sample goes what it is told.
  private mutating func beginWindow(
    _ snapshot: EnergySnapshot, _ waking: Waking, at moment: Moment, _ actions: inout [SamplingAction]
  ) {
    let now = moment.monotonic
    guard let reason = settle(snapshot, at: moment, &actions), !isBetweenSteps(reason, at: now) else {
      state = .waking(
        Waking(beginsWindow: false, next: now + settings.firstWindow, isRetrying: waking.isRetrying))
      return
    }
    if let waking = retry(reason, at: now) {
      state = .waking(waking)
      return
    }
    fail(reason, at: moment, &actions)
    // Without a reading it is told what there is, and that it is stale, and waits no longer for that than for a sample.
    actions.append(.missed)
    goOn(at: moment, &actions)
  }

  /// Takes a reading in that is not for clients.
  ///
  /// - Returns: why no new window begins with it, if none does.
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

  /// Gives a reading to all others who wait for one.
  private mutating func handOut(
    _ snapshot: EnergySnapshot, isPublic: Bool, at moment: Moment, _ actions: inout [SamplingAction]
  ) {
    let now = moment.monotonic
    if !streams.isEmpty {
      let stale = isStale(at: moment) ? latest?.window : nil
      let samples = streams.take(snapshot, now: now, isPublic: isPublic, stale: stale)
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
    let point = wakingGrid.next(after: now)
    let isRecent = point - windowBegan <= settings.longestWakingWindow
    state = .waking(
      Waking(
        beginsWindow: !isRecent, next: isRecent ? max(point, windowBegan + settings.firstWindow) : point,
        isRetrying: false))
  }

  /// The last client has left.
  ///
  /// - Returns: whether the service falls asleep now.
  private mutating func rest() -> Bool {
    guard latest != nil else { return false }
    if case .asleep = state { return false }
    fallAsleep()
    return true
  }

  private mutating func fallAsleep() {
    state = .asleep(next: reads.last + settings.longestSleep)
  }

  /// From point to point while there are clients.
  private mutating func goOn(at moment: Moment, _ actions: inout [SamplingAction]) {
    let next = grid.next(after: reads.last)
    if clients == 0 {
      fallAsleep()
    } else if latest == nil {
      state = .starting(next: next)
    } else {
      state = isStale(at: moment) ? .stale(next: next) : .sampling(next: next)
    }
    actions.append(.pulse(isAsleep: isAsleep))
  }

  /// Another reading, before the client that woke the service is told that there is none. An odd value, as of an AMD part that
  /// reads 0 now and then, is settled by the next one; after a suspend or a reset the next one ends a window. Once only: a
  /// counter that goes on so must not keep anybody waiting.
  private func retry(_ reason: NoSample, at now: Int64) -> Waking? {
    guard case .waking(let waking) = state, !waking.isRetrying, reason.isOdd || reason.beginsWindow else { return nil }
    return Waking(beginsWindow: waking.beginsWindow, next: now + settings.firstWindow, isRetrying: true)
  }

  /// Waits for the counters' next step, if somebody has nothing yet.
  private mutating func waitsForStep(at now: Int64) -> Bool {
    let next = now + settings.firstWindow
    switch state {
    case .waking(let waking):
      state = .waking(Waking(beginsWindow: false, next: next, isRetrying: waking.isRetrying))
    case .starting: state = .starting(next: next)
    case .sampling, .stale, .asleep: return false
    }
    return true
  }

  // MARK: - Why there is no sample

  /// Whether there is no sample only because the counters move in steps, and the next one is not due yet.
  private func isBetweenSteps(_ reason: NoSample, at now: Int64) -> Bool {
    guard case .idle = reason else { return false }
    return isStepDue(at: now)
  }

  /// Whether the counters move in steps, and may have their next one still ahead.
  private func isStepDue(at now: Int64) -> Bool {
    guard let steps = needs.steps, let start = meter.start else { return false }
    return now - start.firstNanoseconds <= steps.periodNanoseconds * 5 / 2
  }

  /// One bad reading is nothing to act on; a service that has become stale is, and is said once.
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
