public import PowerSources

/// Why a service does not begin, or ends by itself.
public enum ServeError: Error, CustomStringConvertible {
  /// The service manager would take the service for dead between two readings.
  case watchdogTooShort(seconds: Double, interval: Double)
  /// Signals or the limit on open files cannot be set up.
  case limits
  /// Sockets were handed over and others named.
  case socketsTwice
  /// The machine is no longer the one that was measured.
  case changed(MachineChange)

  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .watchdogTooShort(let seconds, let interval):
      "The service manager's watchdog (WatchdogSec=) waits \(seconds) s, too short for an interval of \(interval) s; raise it "
        + "to \(2 * interval) s or more."
    case .socketsTwice:
      "The service manager has handed over sockets, and --socket names others; leave one of them out."
    case .changed(let change): "\(change)"
    case .limits:
      "Cannot set up signals and the limit on open files: the system refuses this process one of them."
    }
  }
}
