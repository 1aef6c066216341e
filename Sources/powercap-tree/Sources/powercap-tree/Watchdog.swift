internal import CFUSE
internal import ServiceManager
internal import Synchronization

/// Shows the service manager that this server is alive. The thread that answers the kernel does it. If a reader waits in vain for the
/// other thread, it asks to be ended instead: so a server of which any part hangs is ended, and its readers get an error.
enum Watchdog {
  /// How many signs of life there are in the time in which the service manager expects one.
  private static let signs = 2.0
  private static let notifier = Mutex<ServiceNotifier?>(nil)

  /// Finds the service manager.
  ///
  /// - Returns: the time between signs of life in seconds; 0 if none is expected.
  static func begin() throws(NotifierError) -> Double {
    let found = try ServiceNotifier()
    notifier.withLock { $0 = found }
    return Double(found.watchdogNanoseconds ?? 0) / 1e9 / signs
  }

  /// Tells the service manager something.
  ///
  /// - Returns: 0, or an errno value if it did not accept it.
  static func tell(_ assignment: String) -> Int32 { notifier.withLock { $0?.tell([assignment]) ?? 0 } }

  /// Gives a sign of life, or asks the service manager to act as if there were none any more.
  static func beat() {
    let now = ctree_monotonic_seconds()
    _ = tell(Served.with({ $0.isOverdue(now) }) == true ? "WATCHDOG=trigger" : "WATCHDOG=1")
  }
}
