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
    var newcomer: PackageID?
  }

  private let notifier: ServiceNotifier
  private let topology: TopologyWatch?
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameter topology: asked whether a package has come online that is not measured.
  init(_ notifier: ServiceNotifier, topology: TopologyWatch?, logger: Logger) {
    self.notifier = notifier
    self.topology = topology
    self.logger = logger
  }

  /// The package that has come online since the start, if that is what ended the service.
  var newcomer: PackageID? { state.withLock { $0.newcomer } }

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
        lookForNewcomer(&state)
      }
    }
    if !assignments.isEmpty { tell(assignments) }
  }

  private func lookForNewcomer(_ state: inout State) {
    guard state.newcomer == nil, let newcomer = topology?.newcomer() else { return }
    state.newcomer = newcomer
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
