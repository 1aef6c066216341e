public import PowerSources
internal import SystemCalls

/// Why a service cannot start, or ends by itself.
public enum ServeError: Error, CustomStringConvertible {
  /// The service manager would consider the service dead between two readings.
  case watchdogTooShort(seconds: Double, interval: Double)
  /// Signals cannot be handled: an errno value.
  case signals(errno: Int32)
  /// The limit on open files cannot be raised: an errno value.
  case openFiles(errno: Int32)
  /// The service manager passed sockets, and the options name others.
  case socketsTwice
  /// The machine has changed since the start.
  case changed(MachineChange)

  /// The exit code of a service that has to be started again because the machine has changed: EX_TEMPFAIL of sysexits.h.
  public static let changedExitCode: Int32 = 75

  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .watchdogTooShort(let seconds, let interval):
      "The service manager's watchdog (WatchdogSec=) of \(seconds) s is too short for an interval of \(interval) s; raise it "
        + "to \(2 * interval) s or more."
    case .socketsTwice:
      "The service manager has passed sockets to the service, and --socket names others; remove one of them."
    case .changed(let change): "\(change)"
    case .signals(let errno): "Cannot set up signal handling: \(errorText(errno))."
    case .openFiles(let errno): "Cannot raise the limit on open files: \(errorText(errno))."
    }
  }
}
