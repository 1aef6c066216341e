internal import CMSRShim
internal import Logging
internal import NIOCore
internal import PowerProtocol
internal import PowerSources
internal import RAPL

/// Carries out the actions of the sampling machine: reads the source, sets the alarm, and gives samples to the broadcaster. Lives on
/// the event loop.
final class Sampler: Feed {
  private var source: any EnergySource
  private var machine: SamplingMachine
  private let status: PowerLine.Status
  private let broadcaster: Broadcaster
  private let eventLoop: any EventLoop
  private let logger: Logger
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.happen(.alarm) }
  /// The clients that wait for a reading of their own.
  private var refreshing: [(client: ClientHandler, domains: Bool)] = []

  /// Begins the first window.
  init(
    source: any EnergySource, begun: EnergySnapshot, settings: ServerSettings, broadcaster: Broadcaster,
    eventLoop: any EventLoop, logger: Logger
  ) {
    self.source = source
    self.broadcaster = broadcaster
    self.eventLoop = eventLoop
    self.logger = logger
    status = source.isSimulated ? .simulated : .ok
    machine = SamplingMachine(
      begun: begun, needs: CounterNeeds(source), settings: settings, trustedStep: broadcaster.access.trustedStep,
      status: status)
  }

  /// The points at which anything may be read that everybody gets.
  var publicGrid: SamplingGrid { machine.publicGrid }

  func start() { happen(.started) }

  func stop() { alarm.cancel() }

  func add(_ client: ClientHandler) {
    happen(.clientCame)
    broadcaster.add(client, tellsLatest: machine.hasAnswer(at: .now))
  }

  func remove(_ client: ClientHandler) {
    unsubscribe(client)
    guard broadcaster.remove(client) else { return }
    if machine.awaitsDomains, !broadcaster.awaitsDomains { happen(.domainsUnwanted) }
    happen(.clientLeft)
  }

  func subscribe(_ client: ClientHandler, to key: SampleStream.Key) {
    unsubscribe(client)
    broadcaster.subscribe(client, to: key)
    happen(.subscribed(key))
  }

  func unsubscribe(_ client: ClientHandler) {
    if let ended = broadcaster.unsubscribe(client) { happen(.streamEnded(ended)) }
  }

  func sampleAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer {
    if domains { happen(.sampleAsked) }
    let answer = machine.answer(domains: domains, at: .now)
    if answer == .fresh { broadcaster.answerWithDomains(client) }
    return answer
  }

  func freshAsked(by client: ClientHandler, domains: Bool) -> FeedAnswer {
    let now = Moment.now
    if machine.grantsFresh(at: now) {
      client.beginMeasuring(from: machine.freshStart(at: now))
      refreshing.append((client, domains))
      happen(.freshAsked(domains: domains))
      return .fresh
    }
    let answer = sampleAsked(by: client, domains: domains)
    // Of a service that was asleep, the first that it takes.
    return machine.isAsleep ? .next : answer
  }

  private func happen(_ event: SamplingEvent) {
    for action in machine.handle(event, at: .now) {
      switch action {
      case .read(let order):
        let snapshot = source.read(domains: order.hasDomains)
        happen(.reading(CounterReading(order: order, snapshot: snapshot, needs: CounterNeeds(source))))
      case .setAlarm(let time): alarm.set(at: time)
      case .publish(let window, let line, let staleFrom, let asleep, let coversSleep):
        broadcaster.take(window, line, staleFrom: staleFrom, asleepNanoseconds: asleep, coversSleep: coversSleep)
        broadcaster.send(line)
      case .keep(let window, let line, let asleep): broadcaster.keep(window, line, asleepNanoseconds: asleep)
      case .missed: broadcaster.noSample()
      case .repeatLatest: broadcaster.repeatLatest()
      case .awaitDomains: broadcaster.awaitDomains()
      case .answerDomains(let window): broadcaster.answerDomains(window, status: status)
      case .stream(let samples): broadcaster.send(samples, status: status)
      case .answerFresh(let snapshot, let isBetweenSteps): answer(snapshot, isBetweenSteps: isBetweenSteps)
      case .pulse(let isAsleep): broadcaster.pulse(isAsleep: isAsleep)
      case .failed(let reason, let isComplaint): report(reason, isComplaint: isComplaint)
      case .recovered: logger.info("Readings are fresh again.")
      case .unsayable(let watts): logger.error("A sample of \(watts) W is left out: no line can hold it.")
      }
    }
  }

  private func answer(_ snapshot: EnergySnapshot, isBetweenSteps: Bool) {
    let clients = refreshing
    refreshing = []
    for (client, domains) in clients {
      broadcaster.answerFresh(
        snapshot, to: client, domains: domains, status: status, isBetweenSteps: isBetweenSteps)
    }
  }

  private func report(_ reason: NoSample, isComplaint: Bool) {
    broadcaster.failed(reason)
    switch reason {
    case .first: break
    case .discontinuity, .suspended: logger.info("\(reason)")
    case .idle, .implausible, .failed: logger.debug("\(reason)")
    }
    if isComplaint { logger.warning("No fresh readings. \(reason)") }
  }
}

extension Moment {
  static var now: Moment {
    Moment(monotonic: cmsr_monotonic_nanoseconds(), boottime: cmsr_boottime_nanoseconds())
  }
}

/// Does the same thing each time the set time has come. Lives on the event loop.
///
/// NIO's scheduled tasks make a promise, a future and closures each time, which costs more instructions than a sample.
final class Alarm: NIOScheduledCallbackHandler, Sendable {
  private let eventLoop: any EventLoop
  private let ring: NIOLoopBound<() -> Void>
  private let pending: NIOLoopBoundBox<NIOScheduledCallback?>

  init(on eventLoop: any EventLoop, _ ring: @escaping () -> Void) {
    self.eventLoop = eventLoop
    self.ring = NIOLoopBound(ring, eventLoop: eventLoop)
    pending = NIOLoopBoundBox(nil, eventLoop: eventLoop)
  }

  /// Sets the time in monotonic nanoseconds, instead of the one before.
  func set(at time: Int64) {
    cancel()
    do {
      let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(time, 0)))
      pending.value = try eventLoop.scheduleCallback(at: deadline, handler: self)
    } catch {
      // The event loop has ended, so there is nothing more to do.
    }
  }

  func cancel() {
    pending.value?.cancel()
    pending.value = nil
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    pending.value = nil
    ring.value()
  }
}
