internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// Tells the service manager how the service is, see sd_notify(3). Without one it tells nobody.
public final class ServiceNotifier: Sendable {
  /// How often the service manager wants to hear that the service lives, in nanoseconds; nil where it does not.
  public let watchdogNanoseconds: Int64?
  private let descriptor: Int32?

  /// The service manager of this process. Its variables are cleared, so that no child answers in the service's place.
  ///
  /// - Throws: why it cannot be told anything.
  public init() throws(NotifierError) {
    defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsafe unsetenv(name) } }
    guard let path = variable("NOTIFY_SOCKET"), !path.isEmpty else {
      descriptor = nil
      watchdogNanoseconds = nil
      return
    }
    let opened = unsafe cmsr_open_notify_socket(path)
    guard opened >= 0 else { throw NotifierError(path: path, errno: errno) }
    descriptor = opened
    let isForUs = variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
    let microseconds = variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
    watchdogNanoseconds = isForUs && 1...Int64.max / 1000 ~= microseconds ? microseconds * 1000 : nil
  }

  deinit {
    if let descriptor { close(descriptor) }
  }

  /// Sends assignments, such as "READY=1".
  ///
  /// - Returns: 0, or why the service manager did not take it: an errno value.
  public func tell(_ assignments: [String]) -> Int32 {
    guard let descriptor else { return 0 }
    let text = assignments.joined(separator: "\n")
    return unsafe Array(text.utf8).withUnsafeBytes { unsafe cmsr_notify(descriptor, $0.baseAddress, $0.count) }
  }
}

/// A service manager that cannot be told anything.
public struct NotifierError: Error, Equatable, CustomStringConvertible {
  let path: String
  let errno: Int32

  /// What failed, on what, why, and what to do.
  public var description: String {
    "NOTIFY_SOCKET=\(path) cannot be reached: \(errorText(errno)); unset it where no service manager is meant."
  }
}

/// The journal, where the service manager reads stderr.
public enum Journal {
  /// Whether stderr is the journal's: then each line may begin with its priority, as sd-daemon(3) has it.
  public static let readsStderr: Bool = {
    let numbers = (variable("JOURNAL_STREAM") ?? "").split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    return cmsr_is_file(STDERR_FILENO, device, inode) == 1
  }()
}
