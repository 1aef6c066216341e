internal import CMSRShim
internal import Glibc
internal import Logging
internal import PowerProtocol
internal import PowerServer
internal import PowerSources
internal import RAPL
internal import ServiceManager
internal import Synchronization

/// What the service manager hears of the running service, and what ends the service from inside. Told of each point of the
/// grid by the server's own thread, so that a sampler that hangs is one that says nothing.
final class ServiceReport: Sendable {
  /// How often the status is told anew, in nanoseconds: each time wakes the service manager up.
  private static let statusNanoseconds: Int64 = 10_000_000_000

  private struct State {
    var watchdogTold: Int64 = 0
    var statusTold: Int64 = 0
    var status = ""
    var hasReading = false
    var change: MachineChange?
  }

  private let notifier: ServiceNotifier
  private let topology: TopologyWatch?
  private let counters: CounterWatch?
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameters:
  ///   - topology: asked whether a package has come online that is not measured.
  ///   - counters: asked whether those that are read are still the machine's.
  init(_ notifier: ServiceNotifier, topology: TopologyWatch?, counters: CounterWatch?, logger: Logger) {
    self.notifier = notifier
    self.topology = topology
    self.counters = counters
    self.logger = logger
  }

  /// What has changed since the start, if that is what ended the service.
  var change: MachineChange? { state.withLock { $0.change } }

  /// It serves once there is a reading, which may take so many seconds: beyond what a start may usually take.
  func waiting(seconds: Double) {
    tell(["EXTEND_TIMEOUT_USEC=\(Int64(nanosecondsIn: seconds) / 1000)", "STATUS=Waiting for the first reading."])
  }

  /// It serves.
  func ready() { tell(["READY=1", "STATUS=Serving."]) }

  /// It is about to end.
  func stopping() { tell(["STOPPING=1", "STATUS=Ending."]) }

  /// A point of the grid went by.
  func take(_ pulse: ServerPulse) {
    let now = cmsr_monotonic_nanoseconds()
    var assignments: [String] = []
    state.withLock { state in
      // Often enough for one that is lost or late.
      if let watchdog = notifier.watchdogNanoseconds, now - state.watchdogTold >= watchdog / 4 {
        state.watchdogTold = now
        assignments.append("WATCHDOG=1")
      }
      let isDue = now - state.statusTold >= Self.statusNanoseconds
      if isDue || !state.hasReading && pulse.line != nil {
        state.statusTold = now
        state.hasReading = pulse.line != nil
        let status = Self.status(pulse)
        if status != state.status { assignments.append("STATUS=\(status)") }
        state.status = status
        lookForChange(&state)
      }
    }
    if !assignments.isEmpty { tell(assignments) }
  }

  private func lookForChange(_ state: inout State) {
    guard state.change == nil else { return }
    guard let change = topology?.newcomer().map({ .newPackage($0) }) ?? counters?.change() else { return }
    state.change = change
    // The main thread waits for it, and ends the service in order.
    kill(getpid(), SIGTERM)
  }

  private static func status(_ pulse: ServerPulse) -> String {
    let clients = pulse.clients == 1 ? "1 client" : "\(pulse.clients) clients"
    let state = pulse.isAsleep ? "no client, so asleep" : clients
    guard let line = pulse.line else { return "No reading yet; \(clients)." }
    return "\(line.wattsText) W (\(line.status.rawValue)); \(state)."
  }

  private func tell(_ assignments: [String]) {
    let error = notifier.tell(assignments)
    if error != 0 { logger.debug("The service manager did not take a message: errno \(error).") }
  }
}
