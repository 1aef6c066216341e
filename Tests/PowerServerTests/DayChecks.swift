import RAPL

@testable import PowerServer

/// What holds at each moment of a simulated day, said anew and apart from the code that it is held against.
final class DayChecks {
  private struct Reading {
    let number: Int64
    let counts: UInt64
    let losses: UInt32
    let isGood: Bool
    let asleep: Int64
    let shown: Int64
    let drawn: UInt64
    let disturbances: Int
  }

  private struct Stream {
    let began: Int64
    var next: Int64
    var start: Reading?
    var sequence = 0
  }

  private unowned let day: SimulatedDay
  private(set) var violations: [String] = []
  private(set) var hasSample = false
  /// When the service's latest reading was made that ended no window.
  private(set) var badReading = Int64.min / 2
  /// How often each thing was seen: what never happened was not checked.
  private(set) var seen: [String: Int] = [:]

  private let settings: ServerSettings
  private let trustedStep: Int64
  let phase: Int64
  private(set) lazy var domains = DomainsChecks(of: day)
  private var alarm = Int64.min
  private var ringing: (asleep: Bool, waking: SimulatedWaking?) = (false, nil)
  private var order: ReadOrder?
  private var reading: Reading
  private var readEnd: Int64
  private var lastRead: Int64
  /// How late the latest reading of the service's own was.
  private var lateness: Int64 = 0
  private var lastPublic: Int64
  private var lastPublicEnd: Int64
  private var lastFull: Int64
  private var lastPulse: Int64
  private var pulseDelays: Int64 = 0
  /// What the service's window that goes on began with.
  private var chain: Reading
  /// Whether the reading that was made ends it.
  private var expected: Reading?
  private var outcome = Outcome.begins
  private var publicReading: Reading?
  private var point: Int64?
  private var told = false
  /// When the counter was last set anew, or stood still.
  private var disturbed = Int64.min / 2
  /// How long the machine had been suspended by the last good reading.
  private var goodAsleep: Int64 = 0
  private var streams: [SampleStream.Key: Stream] = [:]
  private var streamed: [SampleStream.Key: StreamedSample] = [:]
  private var freshDue: Int64?
  private var covered: UInt64 = 0
  private var drawn: UInt64 = 0

  init(of day: SimulatedDay) {
    self.day = day
    settings = day.settings
    trustedStep = day.trustedStep
    let begun = day.begun
    let start = begun.readings[0].monotonicNanoseconds
    phase = start + settings.firstWindow
    reading = Self.reading(begun, drawn: day.begunDrawn, disturbances: 0)
    goodAsleep = begun.asleepNanoseconds
    chain = reading
    publicReading = reading
    (readEnd, lastRead, lastPublic, lastPublicEnd, lastFull, lastPulse) = (start, start, start, start, start, start)
    point = phase
  }

  func violate(_ what: String) {
    if violations.count < 8 { violations.append("at \(Double(day.now - day.start) / 1e9) s: \(what)") }
  }

  func see(_ what: String) { seen[what, default: 0] += 1 }

  // MARK: - Alarms and readings

  /// The alarm rings that was set for a time.
  func rings(at alarm: Int64) {
    self.alarm = alarm
    ringing = (day.service.isAsleep, day.service.waking)
    let earliestPublic = point(of: settings.publicStep, from: lastPublicEnd + settings.shortestPublicGap)
    for (key, stream) in streams {
      // A client that has woken the service comes first.
      let due = key.isTrusted ? stream.next : max(stream.next, earliestPublic, ringing.waking?.next ?? .min)
      if alarm > due { violate("the point \(due - phase) of a stream of \(key.interval) goes by: \(alarm - phase)") }
    }
    if let freshDue, alarm > freshDue { violate("who asked for a reading of its own waits") }
    if !ringing.asleep, let point, alarm > max(point, earliestPublic) {
      violate("the point \(point - phase) of the service goes by: \(alarm - phase)")
    }
  }

  /// The counters are about to be read.
  func reads(_ order: ReadOrder) {
    self.order = order
    told = false
    streamed = [:]
    expected = nil
    let now = day.now
    let latenessBefore = lateness
    if order.isForState { lateness = day.lateness }
    if Double(now - lastRead) > 0.95 * day.counters.wrapNanoseconds { violate("a wrap may go by unseen") }
    lastRead = now
    if let longest = day.plan.longestCoreSeconds,
      let began = streams.filter(\.key.hasDomains).values.map(\.began).min(),
      Double(now - max(began, lastFull)) > longest * 1e9 + Double(day.lateness)
    {
      violate("a core's wrap may go by unseen")
    }
    if order.isForState, !ringing.asleep, let point, now < point { violate("a sample before its point") }
    guard order.isPublic else { return see("trusted reading") }
    if now - lastPublic < settings.shortestPublicGap {
      violate("public readings \(now - lastPublic) ns apart")
    }
    // As late as its alarm was, and no later.
    // Before the first sample nobody is told of any.
    if !ringing.asleep, hasSample, point(of: settings.publicStep, from: alarm) > now {
      violate("a public reading \(alarm - phase) ns off the grid")
    }
    if order.isForState, let waking = ringing.waking, !waking.isRetrying {
      if waking.beginsWindow { see("window for a client") }
      // An alarm for something else may have been so late that it serves this too: then it counts as late for its point. And what
      // begins late may end late.
      let wanted = max(waking.next, alarm)
      let tolerance = settings.shortestWindow - settings.shortestPublicGap
      if point(of: settings.firstWindow / 5, from: wanted) != wanted, latenessBefore < tolerance - 1_000_000 {
        violate("a client's window begins or ends \(wanted - phase) ns off the grid")
      }
    }
    if !ringing.asleep { see(day.lateness <= 10_000_000 ? "public reading in time" : "public reading late") }
    lastPublic = now
  }

  /// They were read at a time.
  func readAt(_ now: Int64, drawn: UInt64, disturbances: Int, _ snapshot: EnergySnapshot) {
    // One that was set anew may seem to have wrapped, until it is read again.
    if disturbances != reading.disturbances { disturbed = now }
    let (wasGood, lastGoodAsleep, before) = (reading.isGood, goodAsleep, reading)
    reading = Self.reading(snapshot, drawn: drawn, disturbances: disturbances)
    domains.reads(
      isPublic: order?.isPublic ?? false, isOdd: Self.window(from: before, to: reading) != .ends,
      number: reading.number, at: now)
    if reading.isGood { goodAsleep = reading.asleep }
    if case .read(.gap) = snapshot.readings[0].outcome, wasGood, reading.asleep - lastGoodAsleep < 50_000_000,
      now - disturbed > 120 * SimulatedDay.second
    {
      violate("energy was lost because nobody read it")
    }
    guard let order else { return violate("nobody asked for a reading") }
    if order.hasDomains { lastFull = now }
    guard order.isForState else { return }
    outcome = Self.window(from: chain, to: reading)
    if outcome != .ends { badReading = now }
    switch outcome {
    case .ends: expected = chain
    case .begins: chain = reading
    case .goesOn: break
    }
  }

  private enum Outcome { case ends, begins, goesOn }

  private static func window(from start: Reading?, to end: Reading) -> Outcome {
    guard end.isGood else { return .goesOn }
    guard let start else { return .begins }
    if end.asleep - start.asleep > 50_000_000 || end.losses != start.losses { return .begins }
    return end.counts > start.counts && end.shown > start.shown ? .ends : .goesOn
  }

  private static func reading(_ snapshot: EnergySnapshot, drawn: UInt64, disturbances: Int) -> Reading {
    let package = snapshot.readings[0]
    let isGood =
      switch package.outcome {
      case .failed, .read(.implausible): false
      case .read: true
      }
    return Reading(
      number: snapshot.unixNanoseconds, counts: package.counts, losses: package.losses, isGood: isGood,
      asleep: snapshot.asleepNanoseconds, shown: package.monotonicNanoseconds, drawn: drawn, disturbances: disturbances)
  }

  // MARK: - What the service does

  func does(_ action: SamplingAction) {
    switch action {
    case .publish(let window, _, let staleFrom, let asleep, _):
      see(ringing.asleep ? "sample that wakes" : "sample")
      if order?.isForState != true || ringing.waking?.beginsWindow == true { violate("a sample from nowhere") }
      if staleFrom != window.sample.endMonotonicNanoseconds + asleep + settings.staleAge {
        violate("stale at another time")
      }
      ends(window)
      domains.publishes(window)
      hasSample = true
      told = true
    case .keep(let window, _, _):
      see("mean of a sleep")
      if !ringing.asleep { violate("a window is kept from clients") }
      ends(window)
    case .missed:
      see("no sample")
      told = true
    case .repeatLatest:
      see("latest again")
      if day.plan.period == nil { violate("an old sample as a fresh one") }
      told = true
    case .stream(let samples):
      for sample in samples {
        if streamed.updateValue(sample, forKey: sample.key) != nil { violate("a stream has two samples") }
        see(sample.isStale ? "stale sample of a stream" : sample.key.isTrusted ? "trusted sample" : "public sample")
      }
    case .answerFresh(let snapshot, _):
      see("reading of its own")
      if freshDue == nil { violate("a reading for nobody") }
      if snapshot.readings.count < 2 { violate("a reading of its own without domains") }
      freshDue = nil
    case .pulse:
      if day.now - lastPulse > settings.longestSleep + SimulatedDay.second + day.delays - pulseDelays {
        violate("no sign of life")
      }
      (lastPulse, pulseDelays) = (day.now, day.delays)
    case .failed: see("failure")
    case .recovered: see("recovery")
    case .unsayable: violate("watts that no line holds")
    case .answerDomains(let window): domains.answers(window)
    case .read, .setAlarm, .awaitDomains: break
    }
  }

  private func ends(_ window: PowerWindow) {
    guard let start = expected, window.start.unixNanoseconds == start.number,
      window.end.unixNanoseconds == reading.number
    else { return violate("a window that is not the one since the last") }
    expected = nil
    chain = reading
    guard start.disturbances == reading.disturbances else { return }
    covered += UInt64((window.joules * 16_384).rounded())
    drawn += reading.drawn - start.drawn
    if covered != drawn { violate("\(covered) counts are told of \(drawn)") }
  }

  /// All that follows from an alarm is done.
  func settles() {
    let now = day.now
    guard let order else { return }
    self.order = nil
    if expected != nil { violate("a sample is lost") }
    readEnd = now
    if order.isPublic {
      lastPublicEnd = now
      // Where a reading that is for no client begins no window, no stream's begins with it.
      let isIdle = order.isForState && ringing.asleep && ringing.waking?.beginsWindow != false && outcome == .goesOn
      publicReading = isIdle ? nil : reading
    }
    if order.isForState {
      let isAsleep = day.service.isAsleep
      // Whoever waits in its place is asked for again, within a window.
      point =
        isAsleep
        ? nil : told ? point(of: settings.interval, from: now + settings.shortestPublicGap) : now + settings.firstWindow
    }
    let isHandedOut = !order.isForState || told && ringing.waking?.beginsWindow != true
    for (key, var stream) in streams {
      let sample = streamed.removeValue(forKey: key)
      guard isHandedOut, stream.next <= now, order.isPublic || key.isTrusted else {
        if sample != nil { violate("a stream has a sample before its point") }
        continue
      }
      stream.next = point(of: key.interval, from: now + (key.isTrusted ? trustedGap : settings.shortestPublicGap))
      let outcome = Self.window(from: stream.start, to: reading)
      if let sample, !sample.isStale {
        stream.sequence += 1
        if outcome != .ends || sample.window.start.unixNanoseconds != stream.start?.number
          || sample.window.end.unixNanoseconds != reading.number || sample.sequence != stream.sequence
        {
          violate("a stream's sample is not its next one")
        }
        if key.hasDomains && sample.window.end.readings.count < 2 { violate("a stream's sample without domains") }
      } else if outcome == .ends {
        violate("a stream's sample is lost")
      } else if let sample, sample.sequence != stream.sequence {
        violate("a stream's stale sample is not the one before")
      }
      if outcome != .goesOn { stream.start = reading }
      streams[key] = stream
    }
    if !streamed.isEmpty { violate("a sample for nobody") }
  }

  private var trustedGap: Int64 { min(trustedStep - trustedStep / 10, settings.shortestPublicGap) }

  /// The first point of a grid from a time on.
  private func point(of interval: Int64, from time: Int64) -> Int64 {
    time <= phase ? phase : phase + (time - phase + interval - 1) / interval * interval
  }

  // MARK: - Clients

  func begins(_ key: SampleStream.Key) {
    guard streams[key] == nil else { return }
    let gap = key.isTrusted ? trustedGap : settings.shortestPublicGap
    let start = day.service.isAsleep ? nil : publicReading.flatMap { $0.isGood ? $0 : nil }
    streams[key] = Stream(began: day.now, next: point(of: key.interval, from: day.now + gap), start: start)
  }

  func ends(_ key: SampleStream.Key) { streams[key] = nil }

  func asksFresh() { freshDue = freshDue ?? max(day.now, readEnd) + 2 * trustedStep }

  /// A client was told its first line, or has gone without one.
  ///
  /// - Parameter overdue: how late the alarm is by now that has not rung yet, in nanoseconds.
  func waited(
    _ waits: (since: Int64, delays: Int64, badReading: Int64, isFromSleep: Bool), overdue: Int64 = 0
  ) {
    guard waits.isFromSleep else { return }
    see("client that waits")
    var most = 300_000_000 + day.delays - waits.delays + overdue
    // A bad reading is made again once, a window later, also if it was made just before the client came.
    if badReading >= waits.since { most += settings.firstWindow }
    if waits.since - waits.badReading < settings.firstWindow { most += settings.firstWindow }
    if let period = day.plan.period { most += period * 5 / 2 + settings.firstWindow }
    if day.now - waits.since > most { violate("a client waits for \((day.now - waits.since) / 1_000_000) ms") }
  }

  func end() {
    if !hasSample { violate("there was no sample") }
  }
}

/// What a client waits for that has woken the service.
struct SimulatedWaking {
  let beginsWindow: Bool
  let next: Int64
  let isRetrying: Bool
}
