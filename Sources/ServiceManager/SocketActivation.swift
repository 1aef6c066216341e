internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The listening sockets that a service manager passes at the start; see sd_listen_fds(3).
public enum SocketActivation {
  /// The first descriptor that is passed; the others follow.
  private static let first: Int32 = 3
  /// More sockets than any service has.
  private static let most = 64

  /// Takes the sockets that were passed to this process, and clears them from the environment, so that no child takes them too.
  ///
  /// - Returns: listening Unix stream sockets, close-on-exec; none if nothing was passed.
  /// - Throws: what is wrong with them.
  public static func sockets() throws(ActivationError) -> [PassedSocket] {
    defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
    // For another process: its parent did not clear it.
    guard let pid = variable("LISTEN_PID"), pid == "\(getpid())" else { return [] }
    guard let text = variable("LISTEN_FDS"), let count = Int32(text), 0...Int32(most) ~= count else {
      throw .environment("LISTEN_FDS", variable("LISTEN_FDS") ?? "")
    }
    var names = [String?](repeating: nil, count: Int(count))
    if let text = variable("LISTEN_FDNAMES") {
      names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard names.count == count else { throw .environment("LISTEN_FDNAMES", text) }
    }
    var sockets: [PassedSocket] = []
    for (descriptor, name) in zip(first..<first + count, names) {
      var error = fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno
      if error == 0 { error = cmsr_check_listener(descriptor) }
      guard error == 0 else { throw .noListener(descriptor: descriptor, errno: error) }
      sockets.append(PassedSocket(descriptor: descriptor, name: name))
    }
    return sockets
  }
}

/// A socket that a service manager has passed.
public struct PassedSocket: Sendable {
  /// The listening socket.
  public let descriptor: Int32
  /// The manager's name for it: with systemd the unit's, unless FileDescriptorName= gives another. nil if there is none.
  public let name: String?
}

/// A variable of the environment.
func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

/// Why passed sockets cannot be served.
public enum ActivationError: Error, Equatable {
  /// A variable of the environment is not valid.
  case environment(String, String)
  /// A descriptor is not a listening Unix stream socket.
  case noListener(descriptor: Int32, errno: Int32)
}

extension ActivationError: CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .environment(let name, let value):
      "\(name)=\(value.prefix(100)) is not valid, so the service manager's sockets cannot be used; check the socket unit."
    case .noListener(let descriptor, EINVAL):
      "Descriptor \(descriptor) from the service manager does not listen; the socket unit needs Accept=no."
    case .noListener(let descriptor, let errno) where errno == EPROTOTYPE || errno == ENOTSOCK:
      "Descriptor \(descriptor) from the service manager is not a Unix stream socket; the socket unit needs ListenStream= with "
        + "a path."
    case .noListener(let descriptor, let errno):
      "Descriptor \(descriptor) from the service manager cannot be used: \(errorText(errno))."
    }
  }
}
