internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// Reports the state of the service to the service manager; see sd_notify(3). Without a service manager it does nothing.
public final class ServiceNotifier: Sendable {
  /// How often the service manager expects a sign of life, in nanoseconds; nil if it expects none.
  public let watchdogNanoseconds: Int64?
  private let descriptor: Int32?

  /// The service manager of this process. Its variables are cleared, so that no child answers in the service's place.
  ///
  /// - Throws: the reason why it cannot be reached.
  public init() throws(NotifierError) {
    defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsafe unsetenv(name) } }
    guard let path = variable("NOTIFY_SOCKET"), !path.isEmpty else {
      descriptor = nil
      watchdogNanoseconds = nil
      return
    }
    let opened = unsafe cmsr_open_notify_socket(path)
    guard opened.error == 0 else { throw NotifierError(path: path, errno: opened.error) }
    descriptor = opened.descriptor
    let isForUs = variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
    let microseconds = variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
    watchdogNanoseconds = isForUs && 1...Int64.max / 1000 ~= microseconds ? microseconds * 1000 : nil
  }

  init(descriptor: Int32?, watchdogNanoseconds: Int64?) {
    (self.descriptor, self.watchdogNanoseconds) = (descriptor, watchdogNanoseconds)
  }

  deinit {
    if let descriptor { close(descriptor) }
  }

  /// Sends assignments, such as "READY=1".
  ///
  /// - Returns: 0, or an errno value if the service manager did not accept it.
  public func tell(_ assignments: [String]) -> Int32 {
    guard let descriptor else { return 0 }
    let text = assignments.joined(separator: "\n")
    return unsafe Array(text.utf8).withUnsafeBytes { unsafe cmsr_notify(descriptor, $0.baseAddress, $0.count) }
  }
}

/// The service manager cannot be reached.
public struct NotifierError: Error, Equatable, CustomStringConvertible {
  let path: String
  let errno: Int32

  /// What failed, on what, why, and what to do.
  public var description: String {
    "Cannot reach the service manager at NOTIFY_SOCKET=\(path): \(errorText(errno)); if there is none, unset NOTIFY_SOCKET."
  }
}
