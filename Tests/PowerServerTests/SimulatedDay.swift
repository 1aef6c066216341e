import PowerProtocol
import RAPL

@testable import PowerServer
@testable import PowerSources

/// What is simulated: a sampling machine, told of what happens at a time, which does what follows through the day.
protocol SimulatedService: AnyObject {
  var isAsleep: Bool { get }
  /// What a client waits for that has woken it.
  var waking: SimulatedWaking? { get }
  func happen(_ event: SamplingEvent)
  func hasAnswer() -> Bool
  /// What answers a client that asks for a sample with domains.
  func answerWithDomains() -> FeedAnswer
  /// Whether any client waits for domains.
  var awaitsDomains: Bool { get }
  func grantsFresh() -> Bool
}

/// A day of a service in simulated time: clients who come, go, ask and subscribe, counters that fail, a machine that is suspended,
/// alarms that are late. Random, and the same for the same seed.
final class SimulatedDay {
  static let second: Int64 = 1_000_000_000

  struct Plan: CustomStringConvertible {
    var seed: UInt64
    var hours = 24
    var interval = 1.0
    /// From step to step of the counters, in nanoseconds.
    var period: Int64?
    /// How long cores may go unread, in seconds, if each costs an interrupt.
    var longestCoreSeconds: Double?

    var description: String {
      "seed \(seed), \(hours) h, interval \(interval) s" + (period.map { ", steps of \($0 / 1_000_000) ms" } ?? "")
        + (longestCoreSeconds.map { ", cores within \($0) s" } ?? "")
    }
  }

  private enum Happening: CaseIterable { case arrival, power, fault, faultEnd, suspend }

  struct Client {
    let id: Int
    let isTrusted: Bool
    var leaves: Int64
    var acts: Int64
    var subscription: SampleStream.Key?
    /// Since when it waits for a first line, how long all delays were before that, and when the latest bad reading was; nil if
    /// it was told one.
    var waits: (since: Int64, delays: Int64, badReading: Int64, isFromSleep: Bool)?
    /// What it waits for, if it has asked for domains.
    var domains: DomainsChecks.Wait?
  }

  let plan: Plan
  let settings: ServerSettings
  let trustedStep: Int64
  let start: Int64
  private(set) var now: Int64
  private(set) var asleep: Int64 = 5 * second
  private(set) var counters: SimulatedCounters
  private(set) var clients: [Client] = []
  private(set) var alarm: Int64?
  private(set) var reads = 0
  /// Lateness of alarms and length of readings so far, in nanoseconds.
  private(set) var delays: Int64 = 0
  /// How late the alarm was that rang last.
  private(set) var lateness: Int64 = 0
  private var random: SeededRandom
  private var times: [Happening: Int64] = [:]
  private var nextClient = 0
  private(set) lazy var checks = DayChecks(of: self)
  let begun: EnergySnapshot
  /// All counts that were drawn before.
  let begunDrawn: UInt64
  lazy var service: any SimulatedService = SimulatedMachine(self)
  var stopsAtViolation = true
  /// Each thing that the service did, if it is to be compared.
  var trace: [String]?

  init(_ plan: Plan) {
    self.plan = plan
    random = SeededRandom(seed: plan.seed)
    start = 1000 * Self.second + Int64.random(in: 0..<Self.second, using: &random)
    now = start
    var counters = SimulatedCounters(at: start, period: plan.period)
    var settings = ServerSettings(intervalSeconds: plan.interval)
    settings.updateNanoseconds = plan.period ?? 0
    settings.longestSleepSeconds = min(counters.longestSeconds, 60)
    self.settings = settings
    trustedStep = AccessPolicy(settings).trustedStep
    begun = counters.read(at: start, asleep: asleep, domains: true, number: 0)
    begunDrawn = counters.drawn(at: counters.shown(at: start))
    self.counters = counters
    for happening in Happening.allCases { schedule(happening) }
    times[.faultEnd] = nil
  }

  var moment: Moment { Moment(monotonic: now, boottime: now + asleep) }

  var needs: CounterNeeds {
    CounterNeeds(
      longestSeconds: counters.longestSeconds, longestCoreSeconds: plan.longestCoreSeconds,
      steps: plan.period.map { CounterSteps(periodNanoseconds: $0, nextReadNanoseconds: counters.shown(at: now) + $0) })
  }

  func run() {
    let end = start + Int64(plan.hours) * 3600 * Self.second
    service.happen(.started)
    while now < end {
      let ring = alarm.map { max($0 + late($0), now) } ?? .max
      let happening = times.min { $0.value < $1.value }
      let happeningTime = happening?.value ?? .max
      let client = clients.indices.min { due(clients[$0]) < due(clients[$1]) }
      let clientTime = client.map { due(clients[$0]) } ?? .max
      let time = min(ring, happeningTime, clientTime)
      guard time < .max else { return checks.violate("nothing happens any more") }
      now = max(now, time)
      if time == ring, let alarm {
        lateness = max(now - alarm, 0)
        delays += lateness
        self.alarm = nil
        checks.rings(at: alarm)
        service.happen(.alarm)
        checks.settles()
        if self.alarm == nil { checks.violate("no alarm is set") }
      } else if time == clientTime, let client {
        if clients[client].leaves <= clients[client].acts { leave(client) } else { act(client) }
      } else if let happening {
        happen(happening.key)
      }
      if stopsAtViolation && !checks.violations.isEmpty { return }
    }
    checks.end()
  }

  /// Reads the counters, as the service asked.
  func read(_ order: ReadOrder) -> EnergySnapshot {
    reads += 1
    checks.reads(order)
    let began = now
    let took = 20_000 + Int64(hash(UInt64(bitPattern: now)) % 180_000)
    now += took / 2
    let snapshot = counters.read(at: now, asleep: asleep, domains: order.hasDomains, number: Int64(reads))
    checks.readAt(
      now, drawn: counters.drawn(at: counters.shown(at: now)), disturbances: counters.disturbances, snapshot)
    now = began + took
    delays += took
    trace?.append("\(began) read \(order.isForState) \(order.isPublic) \(order.hasDomains)")
    return snapshot
  }

  /// Does what the service says.
  func perform(_ action: SamplingAction) {
    switch action {
    case .setAlarm(let time):
      alarm = time
      trace?.append("\(now) alarm \(time)")
      return
    case .read: return
    default: break
    }
    trace?.append("\(now) \(Self.brief(action))")
    checks.does(action)
    switch action {
    case .publish, .repeatLatest: tellAll()
    // A stale line goes to everybody; one that is not only to those who were told nothing.
    case .missed where checks.hasSample: tellAll()
    default: break
    }
    switch action {
    case .publish, .repeatLatest, .missed:
      for index in clients.indices { if case .sample = clients[index].domains { clients[index].domains = nil } }
    case .awaitDomains:
      // The sample for which they waited was read with domains, so one reading more is enough.
      for index in clients.indices where clients[index].domains != nil {
        clients[index].domains = checks.domains.begins(readings: 1, phase: checks.phase)
      }
    case .answerDomains(let window):
      for index in clients.indices {
        if let wait = clients[index].domains { checks.domains.answered(wait, with: window) }
        clients[index].domains = nil
      }
    default: break
    }
  }

  private static func brief(_ action: SamplingAction) -> String {
    switch action {
    case .publish(let window, let line, let staleFrom, let asleep, let coversSleep):
      "publish \(window.start.unixNanoseconds) \(window.end.unixNanoseconds) \(line.centiwatts) \(staleFrom) \(asleep) \(coversSleep)"
    case .keep(let window, let line, let asleep):
      "keep \(window.start.unixNanoseconds) \(window.end.unixNanoseconds) \(line?.centiwatts ?? -1) \(asleep)"
    case .stream(let samples):
      "stream "
        + samples.map {
          "\($0.key.interval) \($0.key.isTrusted) \($0.key.hasDomains) \($0.window.start.unixNanoseconds) \($0.window.end.unixNanoseconds) \($0.sequence) \($0.isStale)"
        }.joined(separator: "; ")
    case .answerFresh(let snapshot, let isBetween): "fresh \(snapshot.unixNanoseconds) \(isBetween)"
    case .failed(let reason, let isComplaint): "failed \(reason) \(isComplaint)"
    case .answerDomains(let window): "domains \(window?.end.unixNanoseconds ?? -1)"
    case .missed, .repeatLatest, .awaitDomains, .pulse, .recovered, .unsayable, .setAlarm, .read: "\(action)"
    }
  }

  // MARK: - Clients

  private func due(_ client: Client) -> Int64 { min(client.leaves, client.acts) }

  private func arrive() {
    let stay = pick([0.05...3.0, 0.05...3.0, 3...60, 3...60, 60...900])
    var client = Client(
      id: nextClient, isTrusted: Int.random(in: 0..<4, using: &random) == 0, leaves: now + seconds(stay),
      acts: now + seconds(0.0...2.0))
    nextClient += 1
    let isFromSleep = service.isAsleep
    service.happen(.clientCame)
    if !(checks.hasSample && service.hasAnswer()) { client.waits = (now, delays, checks.badReading, isFromSleep) }
    trace?.append("\(now) came \(client.id) \(client.waits == nil)")
    clients.append(client)
  }

  private func leave(_ index: Int) {
    // If an alarm is late, the client did not wait for the service.
    if let waits = clients[index].waits { checks.waited(waits, overdue: max(now - (alarm ?? now), 0)) }
    if let wait = clients[index].domains { checks.domains.goesOn(wait, overdue: max(now - (alarm ?? now), 0)) }
    unsubscribe(index)
    clients.remove(at: index)
    if service.awaitsDomains, !clients.contains(where: { $0.domains != nil }) { service.happen(.domainsUnwanted) }
    service.happen(.clientLeft)
  }

  private func unsubscribe(_ index: Int) {
    guard let key = clients[index].subscription else { return }
    clients[index].subscription = nil
    guard !clients.contains(where: { $0.subscription == key }) else { return }
    checks.ends(key)
    service.happen(.streamEnded(key))
  }

  private func act(_ index: Int) {
    let client = clients[index]
    clients[index].acts = now + seconds(1.0...30.0)
    switch Int.random(in: 0..<10, using: &random) {
    case 0: ask(index)
    case 1...3:
      subscribe(index, pick([0.25, 0.5, 1, 2, 3.5, 60]))
    case 4...5 where client.isTrusted:
      let seconds = pick([0.01, 0.05, 0.13, 1])
      subscribe(index, seconds)
      // A fast one is worth many readings: a moment of it is enough.
      clients[index].acts = now + Int64(seconds * 100 * 1e9)
    case 6...7 where client.isTrusted:
      let grants = service.grantsFresh()
      trace?.append("\(now) asks fresh \(grants)")
      if grants {
        checks.asksFresh()
        service.happen(.freshAsked(domains: true))
      } else {
        ask(index)
      }
    default: unsubscribe(index)
    }
  }

  private func ask(_ index: Int) {
    // Until it has its answer, its next request waits.
    guard clients[index].domains == nil else { return }
    service.happen(.sampleAsked)
    let answer = service.answerWithDomains()
    trace?.append("\(now) asks \(answer)")
    switch answer {
    case .latest: return
    case .next: clients[index].domains = .sample
    case .fresh: clients[index].domains = checks.domains.begins(readings: 2, phase: checks.phase)
    }
  }

  private func subscribe(_ index: Int, _ seconds: Double) {
    let isTrusted = clients[index].isTrusted
    guard let interval = try? AccessPolicy(settings).grant(seconds: seconds, trusted: isTrusted) else { return }
    let key = SampleStream.Key(
      interval: interval, isTrusted: isTrusted, hasDomains: Int.random(in: 0..<3, using: &random) > 0)
    unsubscribe(index)
    clients[index].subscription = key
    checks.begins(key)
    service.happen(.subscribed(key))
  }

  private func tellAll() {
    for index in clients.indices {
      if let waits = clients[index].waits { checks.waited(waits) }
      clients[index].waits = nil
    }
  }

  // MARK: - What happens to the machine

  private func schedule(_ happening: Happening) {
    let wait: ClosedRange<Double> =
      switch happening {
      case .arrival: pick([0.01...5.0, 1...60, 60...900])
      case .power: 0.5...100
      case .fault: 5.0...900
      case .faultEnd: 0.05...10
      case .suspend: 60.0...7200
      }
    times[happening] = now + seconds(wait)
  }

  private func happen(_ happening: Happening) {
    schedule(happening)
    switch happening {
    case .arrival: arrive()
    case .power: counters.setPower(watts: Double.random(in: 1...800, using: &random), at: now)
    case .fault:
      switch Int.random(in: 0..<4, using: &random) {
      // A package goes offline and is plugged in again.
      case 0: counters.isFailing = true
      case 1: counters.oddReadings = Int.random(in: 1...3, using: &random)
      case 2: counters.reset(at: now)
      default: counters.stick(at: now)
      }
      schedule(.faultEnd)
    case .faultEnd:
      times[.faultEnd] = nil
      if counters.isFailing {
        counters.isFailing = false
        counters.reset(at: now)
      }
      counters.goOn()
    case .suspend:
      let isShort = Int.random(in: 0..<4, using: &random) == 0
      asleep += seconds(isShort ? 0.001...0.04 : 1...7200)
    }
  }

  private func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[Int.random(in: choices.indices, using: &random)]
  }

  private func seconds(_ range: ClosedRange<Double>) -> Int64 {
    Int64(Double.random(in: range, using: &random) * 1e9)
  }

  /// How late an alarm rings: seldom more than 10 ms, and never early.
  private func late(_ alarm: Int64) -> Int64 {
    let hash = hash(UInt64(bitPattern: alarm))
    let share = Int64(hash >> 32 % 1_000_000)
    return switch hash % 1000 {
    case 0: share * 1500
    case 1..<10: 10_000_000 + share * 40
    case 10..<100: share * 9
    default: 50_000 + share / 2
    }
  }

  private func hash(_ value: UInt64) -> UInt64 {
    var random = SeededRandom(seed: value ^ plan.seed)
    return random.next()
  }
}

/// The machine in a simulated day.
final class SimulatedMachine: SimulatedService {
  private var machine: SamplingMachine
  private unowned let day: SimulatedDay

  init(_ day: SimulatedDay) {
    self.day = day
    machine = SamplingMachine(
      begun: day.begun, needs: day.needs, settings: day.settings, trustedStep: day.trustedStep, status: .ok)
  }

  var isAsleep: Bool { machine.isAsleep }
  var waking: SimulatedWaking? {
    guard case .waking(let waking) = machine.state else { return nil }
    return SimulatedWaking(
      beginsWindow: waking.beginsWindow, next: waking.next, isRetrying: waking.isRetrying)
  }
  func hasAnswer() -> Bool { machine.hasAnswer(at: day.moment) }
  func answerWithDomains() -> FeedAnswer { machine.answer(domains: true, at: day.moment) }
  var awaitsDomains: Bool { machine.awaitsDomains }
  func grantsFresh() -> Bool { machine.grantsFresh(at: day.moment) }

  func happen(_ event: SamplingEvent) {
    for action in machine.handle(event, at: day.moment) {
      if case .read(let order) = action {
        let snapshot = day.read(order)
        happen(.reading(CounterReading(order: order, snapshot: snapshot, needs: day.needs)))
      } else {
        day.perform(action)
      }
    }
  }
}
