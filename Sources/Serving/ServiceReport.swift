internal import CMSRShim
internal import Glibc
public import Logging
internal import PowerProtocol
public import PowerServer
public import PowerSources
internal import RAPL
public import ServiceManager
internal import Synchronization
internal import SystemCalls

/// Reports the running service to the service manager, and ends the service if the machine has changed. The server's own
/// thread calls it at each point of the grid, so a sampler that hangs reports nothing.
public final class ServiceReport: Sendable {
  /// How often the status is reported, and a change is looked for, in nanoseconds: each report wakes the service manager up.
  private static let statusNanoseconds: Int64 = 10_000_000_000

  private struct State {
    var watchdogTold: Int64 = 0
    var statusTold: Int64?
    var status = ""
    var hasReading = false
    var change: MachineChange?
  }

  private let watchdogNanoseconds: Int64?
  private let notify: @Sendable ([String]) -> Int32
  private let lookForChange: @Sendable () -> MachineChange?
  private let end: @Sendable () -> Void
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameters:
  ///   - topology: finds packages that came online and are not measured.
  ///   - counters: finds counters that are no longer the machine's.
  public convenience init(
    _ notifier: ServiceNotifier, topology: TopologyWatch?, counters: CounterWatch?, logger: Logger
  ) {
    self.init(
      watchdogNanoseconds: notifier.watchdogNanoseconds, notify: notifier.tell,
      change: { topology?.hotplugged().map { .newPackage($0) } ?? counters?.change() },
      // The main thread waits for this signal, and then ends the service properly.
      end: { kill(getpid(), SIGTERM) }, logger: logger)
  }

  /// - Parameters:
  ///   - notify: sends assignments, and returns 0 or an errno value.
  ///   - change: asks what has changed since the start.
  ///   - end: asks the main thread to end the service.
  init(
    watchdogNanoseconds: Int64?, notify: @escaping @Sendable ([String]) -> Int32,
    change: @escaping @Sendable () -> MachineChange?, end: @escaping @Sendable () -> Void, logger: Logger
  ) {
    self.watchdogNanoseconds = watchdogNanoseconds
    self.notify = notify
    lookForChange = change
    self.end = end
    self.logger = logger
  }

  /// The change of the machine that ended the service, if one did.
  public var change: MachineChange? { state.withLock { $0.change } }

  /// Reports that the service waits for its first reading, and asks for this many seconds more.
  public func waiting(seconds: Double) {
    tell(["EXTEND_TIMEOUT_USEC=\(Int64(nanosecondsIn: seconds) / 1000)", "STATUS=Waiting for the first reading."])
  }

  /// Reports that the service is ready.
  public func ready() { tell(["READY=1", "STATUS=Serving."]) }

  /// Reports that the service is ending.
  public func stopping() { tell(["STOPPING=1", "STATUS=Ending."]) }

  /// Takes the news of a point of the grid.
  public func take(_ pulse: ServerPulse) { take(pulse, at: cmsr_monotonic_nanoseconds()) }

  /// - Parameter now: by CLOCK_MONOTONIC, in nanoseconds.
  func take(_ pulse: ServerPulse, at now: Int64) {
    var assignments: [String] = []
    state.withLock { state in
      // Often enough for one that is lost or late.
      if let watchdogNanoseconds, now - state.watchdogTold >= watchdogNanoseconds / 4 {
        state.watchdogTold = now
        assignments.append("WATCHDOG=1")
      }
      let isDue = state.statusTold.map { now - $0 >= Self.statusNanoseconds }
      if isDue ?? true || !state.hasReading && pulse.line != nil {
        state.statusTold = now
        state.hasReading = pulse.line != nil
        let status = Self.status(pulse)
        if status != state.status { assignments.append("STATUS=\(status)") }
        state.status = status
      }
      // Not soon after the start: while CPUs come online one after the other, each start would be too early for the next, and systemd
      // starts a service only a few times in ten seconds.
      if isDue == true, state.change == nil, let change = lookForChange() {
        state.change = change
        end()
      }
    }
    if !assignments.isEmpty { tell(assignments) }
  }

  private static func status(_ pulse: ServerPulse) -> String {
    let clients = pulse.clients == 1 ? "1 client" : "\(pulse.clients) clients"
    let state = pulse.isAsleep ? "no client, so asleep" : clients
    guard let line = pulse.line else { return "No reading yet; \(clients)." }
    return "\(line.wattsText) (\(line.status.rawValue)); \(state)."
  }

  private func tell(_ assignments: [String]) {
    let error = notify(assignments)
    if error != 0 { logger.debug("Cannot send a message to the service manager: \(errorText(error)).") }
  }
}
