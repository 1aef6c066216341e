internal import CMSRShim
internal import NIOCore

/// The share of the service that one local user may have: a number of connections, and part of the event loop's time. Lives on
/// the event loop.
///
/// Work beyond the share waits for its turn, and none of it is lost. Lines that everyone gets without a request do not count.
final class UserShare {
  /// The part of the event loop's time for a user's requests, in thousandths, and how much can be saved up, in nanoseconds.
  private static let requestThousandths: Int64 = 25
  private static let mostRequestTime: Int64 = 50_000_000
  /// The same for new connections. Enough can be saved up for all connections that a user may have at once. The part is large,
  /// because a user whose scripts connect a hundred times a second must be served on a slow machine too; the turns keep others
  /// from waiting.
  private static let arrivalThousandths: Int64 = 400
  private static let arrivalTime: Int64 = 100_000
  /// How much of either is done at a time, in nanoseconds, so that others wait no longer than that.
  private static let turn: Int64 = 1_000_000

  // The event loop's costs beside the work that is timed, measured on a machine of 2026 (nanoseconds).
  /// To find that something has arrived, and to read it.
  private static let readTime: Int64 = 8000
  /// To send what did not fit at once, for each `ClientHandler.mostWholeBytes`.
  private static let resumeTime: Int64 = 8000
  /// To close a connection.
  private static let departureTime: Int64 = 15_000

  /// Its id.
  let user: UInt32
  /// How many connections it may have.
  let mostConnections: Int
  /// Whether the user has so few connections that they cost others nothing: they get lines first.
  var isSmall: Bool { connections <= Self.fewConnections }
  private static let fewConnections = 256
  /// How many it has, and how many wait to begin.
  private(set) var connections = 0

  /// How many get more samples than the service has lines. These are sent without a request, so they count by their number.
  var fastClients = 0
  /// Whether another one is allowed.
  var mayBeFast: Bool { fastClients < Self.mostFastClients }
  private static let mostFastClients = 256

  private var requests: Allowance
  private var arrivals: Allowance
  private var turns: Allowance
  private var waiting = CircularBuffer<ClientHandler>()
  private var unserved = CircularBuffer<Int32>()
  private let begin: (Int32, UserShare) -> Void
  private let eventLoop: any EventLoop
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.goOn() }
  /// When the alarm rings; .max if it is not set.
  private var alarmTime = Int64.max

  /// - Parameter begin: begins to serve the connection behind a descriptor.
  init(
    user: UInt32, mostConnections: Int, on eventLoop: any EventLoop, begin: @escaping (Int32, UserShare) -> Void
  ) {
    let now = cmsr_monotonic_nanoseconds()
    self.user = user
    self.mostConnections = mostConnections
    self.eventLoop = eventLoop
    self.begin = begin
    requests = Allowance(
      thousandths: Self.requestThousandths, most: Self.mostRequestTime, enough: Self.turn, now: now)
    arrivals = Allowance(
      thousandths: Self.arrivalThousandths, most: Int64(mostConnections) * Self.arrivalTime, enough: Self.turn, now: now
    )
    turns = Allowance(thousandths: 500, most: Self.turn, enough: Self.turn / 2, now: now)
  }

  deinit {
    for descriptor in unserved { cmsr_close(descriptor) }
  }

  /// Whether the share is full and nobody uses it, so that it does not have to be remembered.
  func isUntouched(now: Int64) -> Bool {
    connections == 0 && requests.isFull(now: now) && arrivals.isFull(now: now)
  }

  /// Takes a new connection, at once or when its turn comes; false if the user has too many.
  func take(_ descriptor: Int32) -> Bool {
    guard connections < mostConnections else { return false }
    connections += 1
    if unserved.isEmpty, wait(for: &arrivals) == 0 {
      beginNow(descriptor)
    } else {
      unserved.append(descriptor)
      setAlarm()
    }
    return true
  }

  /// Begins all connections that wait, whatever the share.
  func beginAll() {
    while let descriptor = unserved.popFirst() { beginNow(descriptor) }
  }

  /// Whether new connections wait for their turn.
  var isCrowded: Bool { !unserved.isEmpty }

  /// A connection has ended.
  func leave() {
    connections -= 1
  }

  /// Whether there is time for a request now.
  var hasTime: Bool { wait(for: &requests) == 0 }

  /// Calls a client's `goOn` when there is time again.
  func wait(_ client: ClientHandler) {
    waiting.append(client)
    setAlarm()
  }

  /// Bytes were read.
  func countRead() { spend(Self.readTime, on: &requests) }

  /// An answer of this many bytes is sent.
  func countAnswer(bytes: Int) {
    let pieces = Int64(bytes / ClientHandler.mostWholeBytes)
    if pieces > 0 { spend(pieces * Self.resumeTime, on: &requests) }
  }

  /// Does some of a user's work, and counts it.
  func work<Result>(_ body: () -> Result) -> Result {
    let (result, nanoseconds) = timed(body)
    spend(nanoseconds, on: &requests)
    return result
  }

  private func beginNow(_ descriptor: Int32) {
    spend(Self.departureTime, on: &arrivals)
    let (_, nanoseconds) = timed { begin(descriptor, self) }
    spend(nanoseconds, on: &arrivals)
  }

  /// The result of work, and the thread's own time for it: time that other programs take does not count.
  private func timed<Result>(_ body: () -> Result) -> (Result, nanoseconds: Int64) {
    let before = cmsr_thread_nanoseconds()
    let result = body()
    return (result, cmsr_thread_nanoseconds() - before)
  }

  private func spend(_ nanoseconds: Int64, on allowance: inout Allowance) {
    let now = cmsr_monotonic_nanoseconds()
    allowance.spend(nanoseconds, now: now)
    turns.spend(nanoseconds, now: now)
  }

  private func wait(for allowance: inout Allowance) -> Int64 {
    let now = cmsr_monotonic_nanoseconds()
    return max(allowance.wait(now: now), turns.wait(now: now))
  }

  private func setAlarm() {
    var least = Int64.max
    if !waiting.isEmpty { least = wait(for: &requests) }
    if !unserved.isEmpty { least = min(least, wait(for: &arrivals)) }
    guard least < .max else { return }
    // Always later, because the loop serves others first.
    let time = cmsr_monotonic_nanoseconds() + max(least, Self.turn / 4)
    // New connections may have time before requests do, and the other way round. A little earlier is not worth another alarm.
    guard alarmTime == .max || time < alarmTime - Self.turn / 4 else { return }
    alarmTime = time
    alarm.set(at: time)
  }

  private func goOn() {
    alarmTime = .max
    while wait(for: &arrivals) == 0, let descriptor = unserved.popFirst() { beginNow(descriptor) }
    // Each once: those that have more to do wait again.
    var left = waiting.count
    while left > 0, wait(for: &requests) == 0, let client = waiting.popFirst() {
      left -= 1
      client.takeTurn()
    }
    setAlarm()
  }
}
